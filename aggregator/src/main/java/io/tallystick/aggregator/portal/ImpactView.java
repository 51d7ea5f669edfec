package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.report.Impact;

/**
 * What taking something away would touch, as its page shows it.
 *
 * @param action {@code restrict} or {@code unpublish} for a version, {@code product} for a whole product
 * @param what the title of the version or product
 * @param productId where one came from
 * @param path where the confirmation goes
 */
public record ImpactView(String action, String what, String productId, String path, Impact.Touched touched) {
    public boolean ofVersion() {
        return !action.equals("product");
    }
}
