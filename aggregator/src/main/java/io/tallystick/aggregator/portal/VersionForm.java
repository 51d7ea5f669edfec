package io.tallystick.aggregator.portal;

import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductVersion;
import io.tallystick.aggregator.catalog.VersionStatus;
import io.tallystick.aggregator.catalog.VersionText;
import io.tallystick.aggregator.image.CloudImage;
import io.tallystick.aggregator.image.ImageCloudException;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The form of a version: what it starts with, or what was sent and what is wrong with it.
 *
 * @param version the one edited; none where one is to be made
 * @param clouds where an image may be
 * @param regions those in which the product has versions, to choose from
 * @param images what can be chosen, of the cloud and region among the values
 * @param values what stands in the fields, by their names
 * @param wrong the names of fields that break their rule
 * @param problem what is wrong with the whole
 */
public record VersionForm(
        Product product,
        Optional<ProductVersion> version,
        List<String> clouds,
        List<String> regions,
        List<CloudImage> images,
        Map<String, String> values,
        List<String> wrong,
        Optional<Problem> problem) {

    /**
     * What is wrong with the whole.
     *
     * @param key of the text
     * @param detail for its place, such as the change set that is in the way
     */
    public record Problem(String key, String detail) {}

    /** A published version keeps its image and its title (rules R12, O11). */
    public boolean textsOnly() {
        return version.map(v -> v.status() != VersionStatus.DRAFT).orElse(false);
    }

    public String value(String field) {
        return values.getOrDefault(field, "");
    }

    /** The page's own path. */
    public String path() {
        return version.map(v -> "/portal/versions/" + v.id() + "/edit")
                .orElse("/portal/products/" + product.id() + "/versions/new");
    }

    /** Where it is sent. */
    public String action() {
        return version.isPresent() ? path() : "/portal/products/" + product.id() + "/versions";
    }

    /** Marks a field for whoever looks and whoever listens: {@code true} or nothing, as HTML wants it. */
    public @Nullable String invalid(String field) {
        return wrong.contains(field) ? "true" : null;
    }

    VersionForm with(Map<String, String> sent, List<String> wrongFields, Optional<Problem> what) {
        return new VersionForm(product, version, clouds, regions, images, sent, wrongFields, what);
    }

    /** What a version's fields hold. */
    static Map<String, String> values(ProductVersion version) {
        Map<String, String> values = new LinkedHashMap<>();
        values.put("title", version.title());
        values.put("cloud", version.cloud());
        values.put("region", version.region());
        values.put("imageId", version.sourceImageId());
        VersionText text = version.text();
        values.put("softwareVersion", text.softwareVersion().orElse(""));
        values.put("operatingSystem", text.operatingSystem().orElse(""));
        values.put("softwareBase", text.softwareBase().orElse(""));
        values.put("releaseNotes", text.releaseNotes());
        values.put("usageInstructions", text.usageInstructions().orElse(""));
        values.put("recommendedInstanceType", text.recommendedInstanceType().orElse(""));
        values.put("revision", version.modifiedAt().toString());
        return values;
    }

    /** What a refusal says in words of the form; nothing for one that is not the visitor's to mend. */
    static Optional<Refusal> refusal(Throwable error) {
        if (error instanceof ImageCloudException) {
            return Optional.of(new Refusal(503, List.of(), Optional.of(new Problem("version.error.cloud-silent", ""))));
        }
        if (!(error instanceof Failure failure)) {
            return Optional.empty();
        }
        ErrorCode code = failure.code();
        if (code == ErrorCode.ALREADY_EXISTS) {
            return Optional.of(
                    new Refusal(409, List.of("title"), Optional.of(new Problem("version.error.title-taken", ""))));
        }
        if (code == ErrorCode.RESOURCE_IN_USE) {
            if (failure.data().containsKey("review")) {
                return Optional.of(new Refusal(409, List.of(), Optional.of(new Problem("version.error.reviewed", ""))));
            }
            String set = String.valueOf(failure.data().get("changeSet"));
            return Optional.of(new Refusal(409, List.of(), Optional.of(new Problem("version.error.in-use", set))));
        }
        if (failure.data().containsKey("modifiedAt")) {
            return Optional.of(new Refusal(409, List.of(), Optional.of(new Problem("version.error.stale", ""))));
        }
        if (code == ErrorCode.CONFLICT) {
            return Optional.of(
                    new Refusal(409, List.of(), Optional.of(new Problem("version.error.conflict", failure.detail()))));
        }
        if (code == ErrorCode.INVALID_REQUEST) {
            List<String> fields = failure.problems().stream()
                    .map(Failure.Problem::path)
                    .distinct()
                    .toList();
            return Optional.of(new Refusal(400, fields, Optional.of(new Problem("version.error.fields", ""))));
        }
        return Optional.empty();
    }

    /** Why a form comes back. */
    record Refusal(int status, List<String> wrong, Optional<Problem> problem) {}
}
