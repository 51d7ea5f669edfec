package io.tallystick.aggregator.agreement;

import io.tallystick.aggregator.account.Account;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.web.Requests;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;

/** Whether an account may subscribe to a product now. */
final class Acceptance {
    private Acceptance() {}

    /**
     * Throws the reason against it.
     *
     * @param mayUseLimited whether the account is the seller or on the allow-list
     */
    static void check(Product product, Account account, boolean mayUseLimited) {
        if (account.kind() == Account.Kind.OPERATOR) {
            throw Requests.invalid("account", "must be a buyer's or a seller's account");
        }
        switch (product.visibility()) {
            case STAGING ->
                throw Failure.of(ErrorCode.PRODUCT_STAGING, "the product is not published, it takes no agreements yet");
            case LIMITED -> {
                if (!mayUseLimited) {
                    throw Failure.of(
                            ErrorCode.PRODUCT_LIMITED, "the product is only for accounts that its seller has listed");
                }
            }
            case PUBLIC -> {}
            case RESTRICTED ->
                throw Failure.of(
                        ErrorCode.PRODUCT_RESTRICTED,
                        "the product takes no new agreements; those accepted before go on until they end");
        }
    }
}
