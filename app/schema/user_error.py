"""What is answered when an action's rules stand against it, or would."""

import strawberry

from app.errors import UserErrorCode
from app.resolvers.fields import part
from app.schema.enums import described

described(
    UserErrorCode,
    "Why an action did not happen.",
    {
        "REQUIRED": "Something that has to be given is missing or blank.",
        "INVALID": "A value is not of the form that it must have.",
        "TOO_LONG": "A text has more characters than are kept.",
        "NOT_FOUND": "There is no record with this id in the tenant.",
        "FORBIDDEN": "The caller lacks the action's permission. Only `availableActions` says it "
        "this way; the mutation answers with an error.",
        "STALE_VERSION": "The record was changed since the client saw it.",
        "IDEMPOTENCY_KEY_REUSED": "The idempotency key was used with another input.",
        "IDEMPOTENCY_IN_PROGRESS": "The first request with this idempotency key is under way.",
        "CUSTOMER_ANONYMIZED": "The account is anonymised and closed to editing.",
        "NUMBER_TAKEN": "Another customer has this number, or another issue of the publication.",
        "EMAIL_TAKEN": "Another customer has this e-mail address, in whatever case.",
        "EXTERNAL_ID_TAKEN": "Another customer has this external id.",
        "ALREADY_TAGGED": "The customer has this tag.",
        "NOT_TAGGED": "The customer does not have this tag.",
        "TOO_MANY_TAGS": "The customer has as many tags as there can be.",
        "ALREADY_BLOCKED": "It is blocked already.",
        "NOT_BLOCKED": "It is not blocked.",
        "EXPORT_RUNNING": "An export of the customer's data is under way.",
        "SAME_CUSTOMER": "Both are the same customer.",
        "MERGE_RUNNING": "A merge of the customer is under way.",
        "NOTHING_TO_TAKE": "The duplicate has no such value.",
        "HAS_TRANSACTION_DATA": "There are orders, subscriptions, invoices, transactions, "
        "deliveries or goodwill, so the customer can only be anonymised; an error for each of "
        "them.",
        "RUNNING_SUBSCRIPTION": "A subscription runs; `endSubscriptions` ends it.",
        "OPEN_PAYMENT": "Something is to be paid or at the bank; `acceptOpenPayments` lets it be.",
        "APPROVAL_REQUIRED": "Two members of staff have to agree: `requestAnonymization` first.",
        "APPROVAL_REQUESTED": "The anonymisation is requested already.",
        "NOTHING_REQUESTED": "Nobody has requested the anonymisation.",
        "SAME_AGENT": "Somebody else has to agree than who requested it.",
        "OPERATOR_REQUIRED": "Only the operator of the servers can do this, by a command.",
        "SYSTEM_ACTIVITY": "The application wrote the activity, and nobody changes that.",
        "NOT_AUTHOR": "Somebody else wrote the activity.",
        "EDIT_PERIOD_OVER": "The activity was written more than 15 minutes ago.",
        "ALREADY_PINNED": "It is pinned already.",
        "NOT_PINNED": "It is not pinned.",
        "TOO_MANY_FILES": "There are more files than can be attached.",
        "FILE_EMPTY": "The file has no content.",
        "FILE_TOO_LARGE": "The file has more than 800,000 bytes.",
        "FILE_TYPE_NOT_ALLOWED": "The file is no PDF, image or Office document, or one with "
        "macros, scripts or a password.",
        "FILE_DISGUISED": "The file isn't what its name says, is something else besides, or is "
        "damaged.",
        "FILE_INFECTED": "The virus scanner found something in the file.",
        "FILE_NOT_SCANNED": "The virus scanner did not answer; try again later.",
        "ADDRESS_INVALID": "Part of the address is missing or not as its country writes it.",
        "ADDRESS_DUPLICATE": "The customer has this address, in whatever spelling.",
        "ADDRESS_IN_USE": "A running subscription or an open delivery uses the address.",
        "DATE_NOT_IN_FUTURE": "A day that must lie ahead does not.",
        "ACCESS_RIGHT_NOT_MANUAL": "An order or a subscription gave the access right.",
        "PERIOD_INVALID": "The period ends before it begins, or is over.",
        "IBAN_INVALID": "The IBAN has the wrong length or form, or its check digits do not fit.",
        "IBAN_NOT_IN_SEPA": "Direct debits can't be drawn in the IBAN's country.",
        "BIC_INVALID": "The BIC is malformed, or of another country than the IBAN.",
        "BANK_ACCOUNT_DUPLICATE": "The customer has this bank account, with an active mandate.",
        "BANK_ACCOUNT_IN_USE": "A running subscription or an open payment needs the account.",
        "BANK_ACCOUNT_PREFERRED": "It is the preferred account already.",
        "BANK_ACCOUNT_REMOVED": "The bank account was removed.",
        "MANDATE_REFERENCE_TAKEN": "Another mandate of the tenant has this reference, in whatever "
        "spelling.",
        "MANDATE_LAPSED": "The mandate was not used for 36 months, and so can't be used again.",
        "MANDATE_REVOKED": "The mandate was revoked, which is final.",
        "MANDATE_USED": "Debits were drawn with the mandate as it is, which can't be changed.",
        "DATE_IN_FUTURE": "A day that must have come lies ahead.",
        "VERSION_TAKEN": "There is a text of this version already.",
        "OPT_IN_UNCHANGED": "The customer has said so before.",
        "OPT_IN_NOT_ALLOWED": "This can't follow upon what the customer said last.",
        "CONFIRMATION_INVALID": "The token confirms nothing, or the customer has said something "
        "else since.",
        "CONFIRMATION_EXPIRED": "The confirmation came too late to count.",
        "KEY_TAKEN": "There is a definition with this key.",
        "TOO_MANY_DEFINITIONS": "There are as many definitions as there can be.",
        "DEFINITION_INVALID": "A pattern or choices do not fit the type, or are malformed.",
        "DEFINITION_IN_USE": "Records hold values that need the definition as it is.",
        "ADDITIONAL_DATA_INVALID": "A value is not what its definition asks for.",
        "CODE_TAKEN": "There is a voucher with this code, or an offer on one of the same days.",
        "UNIQUE_ID_TAKEN": "Another product has this unique id.",
        "TITLE_TAKEN": "Another publication has this title.",
        "PUBLISHING_DATE_TAKEN": "Another issue of the publication appears on this day.",
        "PRODUCT_IN_USE": "Offers or access rights need the product as it is.",
        "PRODUCT_RETIRED": "The product is retired, and gets no new offers.",
        "PRODUCT_NOT_RETIRED": "The product is not retired.",
        "TAX_SPLIT_INVALID": "Only a bundle's tax is split, between classes whose shares add up to "
        "100 percent.",
        "PRICE_INVALID": "The amount is negative or too large, the currency has no such coins, or "
        "the first period costs more than the others.",
        "TERMS_INVALID": "The term is no whole number of accounting periods, or shorter than the "
        "notice.",
        "OFFER_ALREADY_SOLD": "The offer was sold, so what its contracts were made of stays.",
        "OFFER_ALREADY_REPLACED": "Another offer has taken the offer's place.",
        "ISSUE_DELIVERED": "The issue was delivered, so its day stays and it can't be removed.",
        "ISSUE_IN_USE": "There are deliveries of the issue.",
        "VOUCHER_ALREADY_USED": "The voucher was used, so its code and what it takes off stay.",
        "SUBSCRIPTION_ENDED": "The subscription has ended, does not run yet, or has no further "
        "accounting period.",
        "SUBSCRIPTION_CANCELLED": "The subscription was cancelled.",
        "SUBSCRIPTION_PAUSED": "The subscription rests.",
        "NOT_ISSUE_BASED": "The subscription is counted in time, not in issues.",
        "NOT_TIME_BASED": "The subscription is counted in issues, not in time.",
        "DELIVERY_NOT_SENT": "The delivery was not sent, so there is nothing to replace.",
        "ALREADY_REDELIVERED": "The delivery was replaced already.",
        "GOODWILL_LIMIT": "The caller's role may not give away so much, with one gift or this "
        "month.",
        "SUBSCRIPTION_NOT_CANCELLED": "The subscription is not cancelled.",
        "SUBSCRIPTION_NOT_PAUSED": "The subscription does not rest, and no pause lies ahead.",
        "NOTICE_PERIOD": "The subscription binds for longer; the message says until when.",
        "OFFER_UNCHANGED": "It is the subscription's offer already.",
        "OFFER_NOT_AVAILABLE": "The offer can't be had now, or not for this subscription.",
        "ADDRESS_REQUIRED": "Nobody says where invoices or issues go.",
        "MANDATE_REQUIRED": "Debits need a bank account with a mandate that can be used.",
        "INVOICE_NOT_CORRECTABLE": "The document takes back another one, or the correction "
        "would change nothing.",
        "INVOICE_ALREADY_CANCELLED": "The document was cancelled or corrected already.",
        "ALREADY_RENDERED": "The PDF and the XML of the document are there.",
        "TOO_MANY_LINES": "The order has more lines than one can have.",
        "CURRENCIES_MIXED": "The offers of an order are in different currencies.",
        "START_DATE_INVALID": "The first day is over, or more than a year ahead.",
        "VOUCHER_INVALID": "The order can't have the voucher; the message says why.",
        "PRICE_CHANGED": "The order costs something else than the customer was told.",
        "LOGIN_FAILED": "There is no such person, the password is another one, or they may "
        "not sign in; which of these is not told.",
        "TOO_MANY_ATTEMPTS": "There were too many attempts from here; the message says how long to "
        "wait.",
        "TWO_FACTOR_REQUIRED": "The password is right; a code is needed besides.",
        "TWO_FACTOR_INVALID": "The code is wrong, too old or was used before.",
        "TWO_FACTOR_ACTIVE": "There is a second factor already.",
        "TWO_FACTOR_NOT_ACTIVE": "There is no second factor, or none that waits for a code.",
        "TENANT_UNKNOWN": "The person works for no tenant of this name.",
        "NOT_SIGNED_IN": "The customer is signed in nowhere.",
        "NEW_PASSWORD_REQUIRED": "The password is right, and good once: one of the customer's own "
        "is needed besides.",
        "PASSWORD_WRONG": "This is not the current password.",
        "PASSWORD_INVALID": "The password is too short or too long.",
        "PASSWORD_BREACHED": "The password is known from breaches of other services.",
        "INVITATION_INVALID": "The invitation is unknown, was used or revoked, or has expired.",
        "ALREADY_MEMBER": "Somebody with this e-mail address works here already.",
        "ALREADY_DEACTIVATED": "They are deactivated already.",
        "NOT_DEACTIVATED": "They are not deactivated.",
        "NAME_TAKEN": "There is another one of this name.",
        "ROLE_IN_USE": "Members of staff or invitations have the role.",
        "PERMISSION_UNKNOWN": "There is no such permission.",
        "PERMISSION_EXCEEDED": "Nobody gives or takes what they may not do themselves.",
        "LAST_ADMINISTRATOR": "Nobody would be left who may write to staff.",
        "NETWORK_INVALID": "This is no network, as `192.0.2.0/24` or `2001:db8::/32`.",
        "TOKEN_ENDED": "The token is revoked or expired, or another one replaces it.",
        "INVOICE_ALREADY_PAID": "The invoice is paid.",
        "INVOICE_NOT_PAYABLE": "The document asks for no money, or not for euros, which alone can "
        "be debited.",
        "OVERPAYMENT": "More was paid than is owed, or than is not being debited already.",
        "AMOUNT_MISMATCH": "The bank names another amount than was debited.",
        "DEBIT_PENDING": "A debit of the invoice is planned or at the bank.",
        "DEBIT_NOT_RETURNABLE": "It is no debit that the bank has, or it came back already.",
        "RETURN_CODE_UNKNOWN": "Banks have no such reason for sending debits back.",
        "CREDITOR_INCOMPLETE": "The billing profile lacks what every debit needs: the creditor "
        "identifier, the IBAN, or a name that banks can read.",
        "NOTHING_DUE": "No debit is due by that day.",
        "REFUND_NOT_PENDING": "The transaction is no refund that waits to be made.",
    },
)


@strawberry.type(description="A reason why an action did not happen; nothing was changed.")
class UserError:
    """One reason, and the part of the input that it is about."""

    code: UserErrorCode = part("For programs.")
    message: str = part("For people.")
    field: list[str] = part(
        'The path inside `input` of what is wrong: `["address", "postalCode"]`. Empty where it is '
        "not one field."
    )


@strawberry.type(description="What stands against an action, whatever its input says.")
class Reason:
    """A reason that `availableActions` gives beforehand."""

    code: UserErrorCode = part("For programs: the code that the mutation would refuse with.")
    message: str = part("For people.")
