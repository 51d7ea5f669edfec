package io.tallystick.aggregator.catalog;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;

/**
 * A version of a product: an image of the seller's, and, once published, the marketplace's copy of it.
 *
 * @param title its name within the product, which leases carry
 * @param sourceImageId the seller's image; empty for a package
 * @param copyImageId the marketplace's copy, from publication on, but for a package; deleted when the version is unpublished
 * @param latest the newest published one of its product in its cloud
 */
public record ProductVersion(
        String id,
        String productId,
        String title,
        VersionText text,
        String cloud,
        String region,
        String sourceImageId,
        String sourceImageName,
        Optional<String> copyImageId,
        VersionStatus status,
        Instant createdAt,
        Instant modifiedAt,
        Optional<Instant> publishedAt,
        Optional<Instant> restrictedAt,
        Optional<Instant> unpublishedAt,
        boolean latest,
        Delivery delivery) {

    public static final int TITLE_CHARS_MAX = 100;
    /** Versions of one product, so that a list of them is always whole. */
    public static final int PER_PRODUCT_MAX = 500;

    public Optional<String> recommendedInstanceType() {
        return text.recommendedInstanceType();
    }

    /** Refuses a wish that is based on what it was before: nobody overwrites what they have not seen (rule R24). */
    public void requireUnchanged(Optional<Instant> revision) {
        if (revision.isPresent() && !revision.get().equals(modifiedAt)) {
            throw Failure.of(
                            ErrorCode.CONFLICT,
                            "the version was changed meanwhile; look at it as it is now, and decide again")
                    .with("modifiedAt", modifiedAt.toString());
        }
    }

    /** This draft with other data, as young as it was. */
    ProductVersion edited(ProductVersion wanted) {
        return new ProductVersion(
                id,
                productId,
                wanted.title,
                wanted.text,
                wanted.cloud,
                wanted.region,
                wanted.sourceImageId,
                wanted.sourceImageName,
                copyImageId,
                status,
                createdAt,
                wanted.modifiedAt,
                publishedAt,
                restrictedAt,
                unpublishedAt,
                latest,
                wanted.delivery);
    }

    ProductVersion modified(VersionText newText, Instant at) {
        return moved(newText, copyImageId, status, at, publishedAt, restrictedAt, unpublishedAt);
    }

    /** A draft that a change set has taken, or given back. Nothing has changed yet, so no date does. */
    ProductVersion publishing(boolean begun) {
        VersionStatus next = begun ? VersionStatus.PUBLISHING : VersionStatus.DRAFT;
        return moved(text, Optional.empty(), next, modifiedAt, publishedAt, restrictedAt, unpublishedAt);
    }

    ProductVersion published(Optional<String> copy, Instant at) {
        return moved(text, copy, VersionStatus.PUBLISHED, at, Optional.of(at), restrictedAt, unpublishedAt);
    }

    ProductVersion restricted(Instant at) {
        return moved(text, copyImageId, VersionStatus.RESTRICTED, at, publishedAt, Optional.of(at), unpublishedAt);
    }

    ProductVersion unpublished(Instant at) {
        return moved(text, copyImageId, VersionStatus.UNPUBLISHED, at, publishedAt, restrictedAt, Optional.of(at));
    }

    private ProductVersion moved(
            VersionText newText,
            Optional<String> copy,
            VersionStatus next,
            Instant modified,
            Optional<Instant> published,
            Optional<Instant> restricted,
            Optional<Instant> unpublished) {
        return new ProductVersion(
                id,
                productId,
                title,
                newText,
                cloud,
                region,
                sourceImageId,
                sourceImageName,
                copy,
                next,
                createdAt,
                modified,
                published,
                restricted,
                unpublished,
                latest,
                delivery);
    }

    /** For the seller and the operator. */
    public Map<String, Object> json() {
        Map<String, Object> json = jsonForBuyer();
        json.put("sourceImageId", sourceImageId);
        json.put("sourceImageName", sourceImageName);
        json.putAll(delivery.json(sourceImageId, Optional.empty()));
        return json;
    }

    /** For buyers, who launch the copy and have no business with the seller's image. */
    public Map<String, Object> jsonForBuyer() {
        Map<String, Object> json = Json.object(
                "id",
                id,
                "product",
                productId,
                "title",
                title,
                "cloud",
                cloud,
                "region",
                region,
                "copyImageId",
                copyImageId.orElse(null),
                "status",
                status.wire(),
                "latest",
                latest,
                "createdAt",
                createdAt,
                "modifiedAt",
                modifiedAt,
                "publishedAt",
                publishedAt.orElse(null),
                "restrictedAt",
                restrictedAt.orElse(null),
                "unpublishedAt",
                unpublishedAt.orElse(null));
        json.putAll(text.json());
        json.putAll(delivery.json(sourceImageId, copyImageId));
        return json;
    }
}
