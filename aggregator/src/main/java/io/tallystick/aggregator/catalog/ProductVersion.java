package io.tallystick.aggregator.catalog;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A version of a product: an image of the seller's, and, once published, the marketplace's copies of it.
 *
 * @param title its name within the product, which leases carry
 * @param region where the seller's image is
 * @param sourceImageId the seller's image; empty for a package
 * @param copies the marketplace's, by region, from publication on; of a package there are none
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
        List<VersionCopy> copies,
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

    public ProductVersion {
        copies = List.copyOf(copies);
    }

    public Optional<VersionCopy> copyIn(String where) {
        return copies.stream().filter(c -> c.region().equals(where)).findFirst();
    }

    /** What to launch for somebody in this region: the copy there, else some other. */
    public Optional<VersionCopy> copyFor(String where) {
        return copyIn(where).or(() -> copyIn(region)).or(() -> copies.stream().findFirst());
    }

    /** Where it can be launched, sorted; a package anywhere. */
    public List<String> regions() {
        return copies.stream().map(VersionCopy::region).toList();
    }

    /** Whether an image is one of its copies. */
    public boolean isCopy(String imageId) {
        return copies.stream().anyMatch(c -> c.imageId().equals(imageId));
    }

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
                copies,
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
        return moved(newText, copies, status, at, publishedAt, restrictedAt, unpublishedAt);
    }

    /** A draft that a change set has taken, or given back. Nothing has changed yet, so no date does. */
    ProductVersion publishing(boolean begun) {
        VersionStatus next = begun ? VersionStatus.PUBLISHING : VersionStatus.DRAFT;
        return moved(text, List.of(), next, modifiedAt, publishedAt, restrictedAt, unpublishedAt);
    }

    ProductVersion published(List<VersionCopy> made, Instant at) {
        return moved(text, made, VersionStatus.PUBLISHED, at, Optional.of(at), restrictedAt, unpublishedAt);
    }

    /** With copies in more regions. */
    ProductVersion distributed(List<VersionCopy> more, Instant at) {
        List<VersionCopy> all = Stream.concat(copies.stream(), more.stream())
                .sorted(Comparator.comparing(VersionCopy::region))
                .toList();
        return moved(text, all, status, at, publishedAt, restrictedAt, unpublishedAt);
    }

    ProductVersion restricted(Instant at) {
        return moved(text, copies, VersionStatus.RESTRICTED, at, publishedAt, Optional.of(at), unpublishedAt);
    }

    ProductVersion unpublished(Instant at) {
        return moved(text, copies, VersionStatus.UNPUBLISHED, at, publishedAt, restrictedAt, Optional.of(at));
    }

    private ProductVersion moved(
            VersionText newText,
            List<VersionCopy> all,
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
                all,
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
        Map<String, Object> json = jsonForBuyer(region);
        json.put("sourceImageId", sourceImageId);
        json.put("sourceImageName", sourceImageName);
        json.putAll(delivery.json(sourceImageId, Optional.empty()));
        return json;
    }

    /**
     * For buyers, who launch a copy and have no business with the seller's image.
     *
     * @param where the region whose copy a template is to launch; that of another where there is none
     */
    public Map<String, Object> jsonForBuyer(String where) {
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
                "copies",
                copies.stream().map(VersionCopy::json).toList(),
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
        json.putAll(delivery.json(sourceImageId, copyFor(where).map(VersionCopy::imageId)));
        return json;
    }
}
