package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.lifecycle.LoadForms;
import io.tallystick.common.error.Failure;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the page of a load form shows: how to get one and, once one was sent, what is wrong with it or what it would change.
 *
 * @param product it is about; none for one that is to be made
 * @param seller for whom an operator makes one
 * @param sent the form, to be sent again by whoever agrees with what it changes; none where it cannot be carried out
 */
public record LoadFormView(
        Optional<Product> product,
        String seller,
        Optional<String> sent,
        List<LoadForms.Difference> differences,
        Optional<Refusal> refusal) {

    /**
     * Why a form changes nothing.
     *
     * @param problems each at its cell
     * @param changeSet that is in the way
     */
    public record Refusal(
            int status,
            String detail,
            List<Failure.Problem> problems,
            Optional<String> changeSet,
            boolean underReview) {

        static Refusal of(int status, Failure failure) {
            Map<String, Object> data = failure.data();
            return new Refusal(
                    status,
                    failure.detail(),
                    failure.problems(),
                    Optional.ofNullable(data.get("changeSet")).map(String::valueOf),
                    data.containsKey("review"));
        }
    }

    static LoadFormView of(Optional<Product> product) {
        return new LoadFormView(product, "", Optional.empty(), List.of(), Optional.empty());
    }

    LoadFormView by(String wanted) {
        return new LoadFormView(product, wanted, sent, differences, refusal);
    }

    LoadFormView checked(String csv, List<LoadForms.Difference> found) {
        return new LoadFormView(product, seller, Optional.of(csv), found, Optional.empty());
    }

    LoadFormView refused(Refusal why) {
        return new LoadFormView(product, seller, Optional.empty(), List.of(), Optional.of(why));
    }

    /** The page's own path; a form is sent there to be checked. */
    public String path() {
        return product.map(p -> "/portal/products/" + p.id() + "/load-form").orElse("/portal/load-forms");
    }

    /** Where the form is had. */
    public String file() {
        return product.map(p -> path() + ".csv").orElse(path() + "/blank");
    }

    /** Where the form is carried out. */
    public String action() {
        return path() + (product.isPresent() ? "/apply" : "/create");
    }
}
