package io.tallystick.aggregator.image;

import io.vertx.core.Future;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One cloud's images, acted on with the marketplace's own credentials. Every effect may be repeated with the same
 * arguments and then changes nothing; a step that does not know whether its request arrived asks again.
 *
 * <p>Futures complete on any thread and fail with {@link ImageCloudException}, which says whether trying again can help.
 */
public interface ImageCloud {
    /** {@code aws} or {@code outscale}, as in enrollments and cloud accounts. */
    String cloud();

    /** The marketplace's own account in this cloud, which owns the copies. */
    String account();

    /** An image the marketplace can see; empty if there is none (deleted ones are not there). */
    Future<Optional<CloudImage>> find(String region, String imageId);

    /** What a seller can choose from: images of this account that carry this code (OUTSCALE rule O12), by name. */
    Future<List<CloudImage>> ownedBy(String region, String ownerAccount, String productCode);

    /**
     * Starts the marketplace's own copy in a region, and answers its id while it is still {@code PENDING}. The same token gives
     * the same copy, also after the answer was lost. Where the cloud has no idempotency token (OUTSCALE) the copy is found
     * again by its name, which the token is part of.
     *
     * @param sourceRegion where the source is: the same region where the cloud copies within one only (OUTSCALE)
     */
    Future<String> copy(String region, String sourceRegion, String sourceImageId, String name, String token);

    /**
     * Makes the copy carry the product code. At OUTSCALE codes are set; at AWS only the marketplace attaches codes and a copy
     * inherits its source's, so there it fails, for good, if the code is not there.
     */
    Future<Void> attachProductCode(String region, String imageId, String productCode);

    /** Lets these accounts launch the image, besides those that may already. */
    Future<Void> share(String region, String imageId, Set<String> accounts);

    /** Takes that back. Running VMs go on. */
    Future<Void> unshare(String region, String imageId, Set<String> accounts);

    /**
     * Lets everybody launch the image, or takes that back; those it is shared with still may. AWS refuses it for good for an
     * image with a product code.
     */
    Future<Void> setPublic(String region, String imageId, boolean everybody);

    /** Deletes the marketplace's copy and the snapshots behind it; running VMs go on. One that is gone already is fine. */
    Future<Void> delete(String region, String imageId);

    /** AWS: marks the image deprecated from now on, still launchable by whom it is shared with. No effect at OUTSCALE. */
    Future<Void> deprecate(String region, String imageId);

    /**
     * The running VMs that carry any of these codes, as far as the key shows them: those of its own account. All pages; in
     * no order. What the cloud has not caught up with is missing.
     */
    Future<List<CloudVm>> running(String region, Set<String> productCodes);

    /** A running VM as the cloud describes it to the key of its owner; empty if the key does not show it. */
    Future<Optional<CloudVm>> vm(String region, String instanceId);
}
