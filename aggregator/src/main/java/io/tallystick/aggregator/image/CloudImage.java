package io.tallystick.aggregator.image;

import java.time.Instant;
import java.util.List;
import java.util.Set;

/**
 * A machine image as its cloud describes it.
 *
 * @param id {@code ami-…}, in both clouds
 * @param ownerAccount the cloud account that owns it
 * @param productCodes the marketplace codes it carries
 * @param sharedWith the cloud accounts that may launch it besides the owner; empty where the asker may not know
 * @param isPublic whether everybody may launch it
 * @param stateReason why it failed, empty otherwise
 */
public record CloudImage(
        String id,
        String region,
        String name,
        String ownerAccount,
        State state,
        String stateReason,
        List<String> productCodes,
        Set<String> sharedWith,
        boolean isPublic,
        Instant createdAt) {

    /** What can be done with it: only an available image can be shared and launched. */
    public enum State {
        PENDING,
        AVAILABLE,
        FAILED
    }

    public CloudImage {
        productCodes = List.copyOf(productCodes);
        sharedWith = Set.copyOf(sharedWith);
    }
}
