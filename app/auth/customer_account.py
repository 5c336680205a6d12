"""What customers do about how they sign in themselves."""

from app.auth.checks import CUSTOMER
from app.auth.customer_steps import CustomerSteps
from app.auth.own_account import OwnAccount
from app.writing import Transaction


class CustomerAccount(OwnAccount[CustomerSteps]):
    """Changes how customers sign in."""

    sort = CUSTOMER
    others = "This is for customers who have signed in."

    def _steps(self, transaction: Transaction) -> CustomerSteps:
        principal = transaction.principal
        steps = CustomerSteps(transaction.session, principal.tenant_id, principal.token_id)
        steps.customer_id = principal.customer_id
        return steps
