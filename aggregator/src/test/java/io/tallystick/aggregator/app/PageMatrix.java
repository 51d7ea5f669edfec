package io.tallystick.aggregator.app;

import io.tallystick.aggregator.app.AccessMatrix.Who;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Who may see and do what in the portal: for every page for people who are signed in, the status each gets. Whoever is not
 * signed in is not in the table: everywhere they are sent to sign in. To add a page, add a row.
 */
final class PageMatrix {
    private PageMatrix() {}

    /** The request of a row, made anew for every visitor; the fields are those of a form, without its token. */
    record Call(String path, Map<String, String> fields) {}

    record Row(String operationId, Function<AccessMatrix.World, Call> call, Map<Who, Integer> expected) {}

    private static Row row(
            String operationId,
            Function<AccessMatrix.World, Call> call,
            int operator,
            int seller,
            int otherSeller,
            int buyer,
            int otherBuyer) {
        Map<Who, Integer> expected = new EnumMap<>(Who.class);
        expected.put(Who.OPERATOR, operator);
        expected.put(Who.SELLER, seller);
        expected.put(Who.OTHER_SELLER, otherSeller);
        expected.put(Who.BUYER, buyer);
        expected.put(Who.OTHER_BUYER, otherBuyer);
        return new Row(operationId, call, expected);
    }

    private static Function<AccessMatrix.World, Call> get(Function<AccessMatrix.World, String> path) {
        return world -> new Call(path.apply(world), Map.of());
    }

    //                                                          operator, seller, other seller, buyer, other buyer
    static final List<Row> ROWS = List.of(
            row("getPortal", get(w -> "/portal"), 303, 303, 303, 303, 303),
            row("productsPage", get(w -> "/portal/products"), 200, 200, 200, 403, 403),
            row("productPage", get(w -> "/portal/products/" + w.limitedProduct()), 200, 200, 404, 403, 403),
            row("usagePage", get(w -> "/portal/usage"), 200, 200, 200, 200, 200),
            row("usageCsv", get(w -> "/portal/usage.csv"), 200, 200, 200, 200, 200));
}
