package io.tallystick.aggregator.image;

import java.util.List;
import java.util.Map;

/**
 * A VM as its cloud's API describes it: the evidence behind the level {@code api-confirmed}.
 *
 * @param state the cloud's own word, {@code running} for a running one
 */
public record CloudVm(
        String instanceId,
        String ownerAccount,
        String region,
        String imageId,
        String instanceType,
        String state,
        List<String> productCodes,
        Map<String, String> tags) {

    public CloudVm {
        productCodes = List.copyOf(productCodes);
        tags = Map.copyOf(tags);
    }
}
