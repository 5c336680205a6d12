"""Tables, one file per noun."""

from app.models.access_right import AccessRight
from app.models.access_token import AccessToken, CustomerSession
from app.models.activity import Activity, ActivityAttachment
from app.models.additional_data import AdditionalDataDefinition
from app.models.address import Address
from app.models.anonymization_request import AnonymizationRequest
from app.models.bank_account import BankAccount
from app.models.base import Base, CustomerRecord, Record, TenantRow
from app.models.billing_profile import BillingProfile
from app.models.customer import Customer
from app.models.customer_merge import CustomerMerge
from app.models.customer_term import CustomerCount, CustomerTerm
from app.models.delivery import Delivery
from app.models.export import Export
from app.models.file import File, UnclaimedFile
from app.models.goodwill import Goodwill, GoodwillLimit
from app.models.history import History, HistoryChain, HistorySeal
from app.models.idempotency import IdempotencyKey
from app.models.invoice import Invoice, InvoiceItem, InvoiceTax
from app.models.login import Login
from app.models.mail import Mail
from app.models.number_range import NumberRange
from app.models.offer import Offer, OfferGrant
from app.models.opt_in import OptIn, OptInEntry, OptInText
from app.models.order import Order, OrderItem
from app.models.product import Product, ProductTaxShare
from app.models.publication import Issue, Publication
from app.models.sepa_batch import SepaBatch
from app.models.signing_in import (
    CustomerDevice,
    CustomerRecoveryCode,
    CustomerSignIn,
    StaffDevice,
    StaffIdentity,
    StaffInvitation,
    StaffRecoveryCode,
    Throttle,
)
from app.models.staff import Role, Staff, StaffMembership
from app.models.subscription import Subscription, SubscriptionPeriod
from app.models.tax_rate import TaxRate
from app.models.tenant import Tenant, TenantSettings
from app.models.transaction import Transaction
from app.models.voucher import Voucher, VoucherOffer, VoucherRedemption

__all__ = [
    "AccessRight",
    "AccessToken",
    "Activity",
    "ActivityAttachment",
    "AdditionalDataDefinition",
    "Address",
    "AnonymizationRequest",
    "BankAccount",
    "Base",
    "BillingProfile",
    "Customer",
    "CustomerCount",
    "CustomerDevice",
    "CustomerMerge",
    "CustomerRecord",
    "CustomerRecoveryCode",
    "CustomerSession",
    "CustomerSignIn",
    "CustomerTerm",
    "Delivery",
    "Export",
    "File",
    "Goodwill",
    "GoodwillLimit",
    "History",
    "HistoryChain",
    "HistorySeal",
    "IdempotencyKey",
    "Invoice",
    "InvoiceItem",
    "InvoiceTax",
    "Issue",
    "Login",
    "Mail",
    "NumberRange",
    "Offer",
    "OfferGrant",
    "OptIn",
    "OptInEntry",
    "OptInText",
    "Order",
    "OrderItem",
    "Product",
    "ProductTaxShare",
    "Publication",
    "Record",
    "Role",
    "SepaBatch",
    "Staff",
    "StaffDevice",
    "StaffIdentity",
    "StaffInvitation",
    "StaffMembership",
    "StaffRecoveryCode",
    "Subscription",
    "SubscriptionPeriod",
    "TaxRate",
    "Tenant",
    "TenantRow",
    "TenantSettings",
    "Throttle",
    "Transaction",
    "UnclaimedFile",
    "Voucher",
    "VoucherOffer",
    "VoucherRedemption",
]
