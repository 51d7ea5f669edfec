package io.tallystick.aggregator.catalog;

import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A product of the catalogue.
 *
 * @param id the catalogue identity, which stands on bills
 * @param code the opaque code attached to images, which agents read
 * @param type what each of its versions delivers (rule R2)
 * @param visibilitySetAt when the visibility became what it is
 * @param modifiedAt when what the product's page shows last changed: its texts, its visibility, or a version coming or going
 * @param places the regions and instance types it is offered in
 */
public record Product(
        String id,
        String code,
        Delivery.Kind type,
        String title,
        String sellerAccountId,
        Visibility visibility,
        Instant visibilitySetAt,
        Terms terms,
        Instant createdAt,
        Instant modifiedAt,
        List<Dimension> dimensions,
        ProductPage page,
        List<Place> places,
        Optional<Removal> removal) {

    public static final int TITLE_CHARS_MAX = 200;
    public static final int DIMENSIONS_MAX = 200;
    public static final int ALLOW_LIST_MAX = 1000;
    private static final Pattern CODE = Pattern.compile("[-a-zA-Z0-9/=:_.@]{1,255}");

    public Product {
        dimensions = List.copyOf(dimensions);
        places = List.copyOf(places);
    }

    /** The code itself, or {@link IllegalArgumentException} with the rule. */
    public static String checkCode(String code) {
        if (!CODE.matcher(code).matches()) {
            throw new IllegalArgumentException("must have 1 to 255 characters from letters, digits and -/=:_.@");
        }
        return code;
    }

    public Optional<Dimension> dimension(String key) {
        return dimensions.stream().filter(d -> d.key().equals(key)).findFirst();
    }

    /** Why a new offer or rate cannot price this; empty where it can. */
    public Optional<String> unpriced(String dimension) {
        return dimension(dimension)
                .map(d -> d.isOpen() ? Optional.<String>empty() : Optional.of(restricted(dimension)))
                .orElseGet(() -> Optional.of(unknown(dimension)));
    }

    /** What is said of a dimension that the product does not have. */
    public static String unknown(String dimension) {
        return "the product has no dimension " + dimension;
    }

    /** What is said of a dimension that nothing new is priced by. */
    public static String restricted(String dimension) {
        return "the dimension " + dimension + " is restricted: no new offer or rate prices it";
    }

    Product withVisibility(Visibility next, Instant at) {
        return new Product(
                id,
                code,
                type,
                title,
                sellerAccountId,
                next,
                at,
                terms,
                createdAt,
                at,
                dimensions,
                page,
                places,
                removal);
    }

    public Product withDimensions(List<Dimension> all) {
        return new Product(
                id,
                code,
                type,
                title,
                sellerAccountId,
                visibility,
                visibilitySetAt,
                terms,
                createdAt,
                modifiedAt,
                all,
                page,
                places,
                removal);
    }

    /** With this title and page. */
    Product informed(String newTitle, ProductPage newPage, Instant at) {
        return new Product(
                id,
                code,
                type,
                newTitle,
                sellerAccountId,
                visibility,
                visibilitySetAt,
                terms,
                createdAt,
                at,
                dimensions,
                newPage,
                places,
                removal);
    }

    /** The regions or instance types of a cloud that were ever added. */
    public List<Place> places(Place.Kind kind, String cloud) {
        return places.stream()
                .filter(p -> p.kind() == kind && p.cloud().equals(cloud))
                .toList();
    }

    /** Those of these regions of a cloud that take somebody new: none of them was restricted. */
    public List<String> open(String cloud, List<String> regions) {
        return regions.stream()
                .filter(region -> places(Place.Kind.REGION, cloud).stream()
                        .allMatch(place -> place.isOpen() || !place.name().equals(region)))
                .toList();
    }

    private List<Map<String, Object>> placesJson(Place.Kind kind) {
        return places.stream().filter(p -> p.kind() == kind).map(Place::json).toList();
    }

    public Map<String, Object> json() {
        return Json.object(
                "id",
                id,
                "productCode",
                code,
                "type",
                type.wire(),
                "title",
                title,
                "seller",
                sellerAccountId,
                "visibility",
                visibility.name(),
                "visibilitySetAt",
                visibilitySetAt,
                "evidenceLevel",
                terms.evidenceLevel().wire(),
                "lateLimit",
                terms.lateLimit(),
                "closeDelay",
                terms.closeDelay(),
                "flushInterval",
                terms.flushInterval(),
                "createdAt",
                createdAt,
                "modifiedAt",
                modifiedAt,
                "dimensions",
                dimensions.stream().map(Dimension::json).toList(),
                "page",
                page.json(),
                "regions",
                placesJson(Place.Kind.REGION),
                "instanceTypes",
                placesJson(Place.Kind.INSTANCE_TYPE),
                "removal",
                removal.map(Removal::json).orElse(null));
    }
}
