package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.Place;
import io.tallystick.aggregator.catalog.Product;
import io.tallystick.aggregator.catalog.ProductPage;
import io.tallystick.aggregator.catalog.Removal;
import io.tallystick.aggregator.catalog.VersionText;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a change is to do, by its type; the rest is empty.
 *
 * @param text what replaces a version's texts
 * @param announce whether subscribers get a mail about the new texts
 * @param revision the modification date of what was looked at; if it is another by now, the change is refused (rule R24)
 * @param title a product's new title
 * @param page what replaces a product's page
 * @param places at which cloud, and which regions or instance types
 * @param removal why a product is unpublished
 * @param addition what is added
 */
public record ChangeDetails(
        Optional<VersionText> text,
        boolean announce,
        Optional<Instant> revision,
        Optional<String> title,
        Optional<ProductPage> page,
        Optional<Places> places,
        Optional<Removal> removal,
        Optional<Addition> addition) {
    private static final int CLOUD_CHARS_MAX = 32;
    /** Regions or instance types of one change. */
    static final int NAMES_MAX = 100;

    public static final ChangeDetails NONE = new ChangeDetails(
            Optional.empty(),
            false,
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty(),
            Optional.empty());

    /** Regions or instance types of a cloud. */
    public record Places(String cloud, List<String> names) {
        public Places {
            names = List.copyOf(names);
        }
    }

    /** New texts of a version. */
    public static ChangeDetails text(VersionText text, boolean announce, Optional<Instant> revision) {
        return new ChangeDetails(
                Optional.of(text),
                announce,
                revision,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** A product's new page. */
    public static ChangeDetails page(Optional<String> title, ProductPage page, Optional<Instant> revision) {
        return new ChangeDetails(
                Optional.empty(),
                false,
                revision,
                title,
                Optional.of(page),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }

    /** Regions or instance types. */
    public static ChangeDetails places(String cloud, List<String> names) {
        return places(cloud, names, Optional.empty());
    }

    /** Regions or instance types, as long as the product is as it was looked at. */
    public static ChangeDetails places(String cloud, List<String> names, Optional<Instant> revision) {
        return new ChangeDetails(
                Optional.empty(),
                false,
                revision,
                Optional.empty(),
                Optional.empty(),
                Optional.of(new Places(cloud, names)),
                Optional.empty(),
                Optional.empty());
    }

    /** Why a product is unpublished. */
    public static ChangeDetails removal(Removal removal) {
        return new ChangeDetails(
                Optional.empty(),
                false,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(removal),
                Optional.empty());
    }

    /** Something new. */
    public static ChangeDetails addition(Addition addition) {
        return new ChangeDetails(
                Optional.empty(),
                false,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(addition));
    }

    /** Reads {@code announce} and {@code details}, as far as the type has them, from a change. */
    static ChangeDetails read(Change.Type type, Fields in) {
        return switch (type) {
            case MODIFY_VERSION -> {
                Fields details = in.object("details");
                yield text(
                        VersionText.read(details),
                        in.optionalBool("announce").orElse(false),
                        in.optionalInstant("revision"));
            }
            case UPDATE_INFORMATION -> {
                Fields details = in.object("details");
                yield page(
                        details.optionalString("title", Product.TITLE_CHARS_MAX),
                        ProductPage.read(details),
                        in.optionalInstant("revision"));
            }
            case ADD_REGIONS, RESTRICT_REGIONS -> places("regions", in);
            case ADD_INSTANCE_TYPES, RESTRICT_INSTANCE_TYPES -> places("instanceTypes", in);
            case UNPUBLISH_PRODUCT ->
                in.optionalObject("details").map(d -> removal(Removal.read(d))).orElse(NONE);
            case PUBLISH_VERSION, RESTRICT_VERSION, UNPUBLISH_VERSION -> NONE;
            case CREATE_PRODUCT,
                    ADD_DIMENSIONS,
                    RESTRICT_DIMENSIONS,
                    UPDATE_DIMENSIONS,
                    ADD_VERSION,
                    UPDATE_TARGETING,
                    CREATE_OFFER,
                    UPDATE_PRICING_TERMS,
                    UPDATE_AVAILABILITY -> addition(Addition.read(type, in));
        };
    }

    private static ChangeDetails places(String field, Fields in) {
        Fields details = in.object("details");
        String cloud = details.string("cloud", CLOUD_CHARS_MAX);
        List<String> names = details.optionalStrings(field, NAMES_MAX, Place.NAME_CHARS_MAX);
        if (names.isEmpty()) {
            details.problem(field, "must have at least one name");
        }
        for (int i = 0; i < names.size(); i++) {
            try {
                Place.checkName(names.get(i));
            } catch (IllegalArgumentException e) {
                details.problem(field + "[" + i + "]", String.valueOf(e.getMessage()));
            }
        }
        return places(cloud, names.stream().distinct().toList(), in.optionalInstant("revision"));
    }

    /** As {@link #read} takes it. */
    Map<String, Object> json(Change.Type type) {
        return switch (type) {
            case MODIFY_VERSION ->
                Json.object(
                        "details",
                        text.map(VersionText::json).orElse(null),
                        "announce",
                        announce,
                        "revision",
                        revision.orElse(null));
            case UPDATE_INFORMATION -> {
                Map<String, Object> details = Json.object("title", title.orElse(null));
                page.ifPresent(p -> details.putAll(p.json()));
                yield Json.object("details", details, "revision", revision.orElse(null));
            }
            case ADD_REGIONS, RESTRICT_REGIONS -> placesJson("regions");
            case ADD_INSTANCE_TYPES, RESTRICT_INSTANCE_TYPES -> placesJson("instanceTypes");
            case UNPUBLISH_PRODUCT ->
                Json.object("details", removal.map(Removal::json).orElse(null));
            case PUBLISH_VERSION, RESTRICT_VERSION, UNPUBLISH_VERSION -> Json.object();
            case CREATE_PRODUCT,
                    ADD_DIMENSIONS,
                    RESTRICT_DIMENSIONS,
                    UPDATE_DIMENSIONS,
                    ADD_VERSION,
                    UPDATE_TARGETING,
                    CREATE_OFFER,
                    UPDATE_PRICING_TERMS,
                    UPDATE_AVAILABILITY -> addition.map(Addition::json).orElseGet(Json::object);
        };
    }

    private Map<String, Object> placesJson(String field) {
        return Json.object(
                "details",
                places.map(p -> Json.object("cloud", p.cloud(), field, p.names()))
                        .orElse(null),
                "revision",
                revision.orElse(null));
    }
}
