package io.tallystick.aggregator.lifecycle;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * One change of a change set.
 *
 * @param versionId there for the types that are about a version
 */
public record Change(int index, Type type, String productId, Optional<String> versionId, ChangeDetails details) {

    /** What a change can be; names as in the marketplaces' catalogue APIs. */
    public enum Type {
        PUBLISH_VERSION("PublishVersion", Subject.VERSION),
        MODIFY_VERSION("ModifyVersion", Subject.VERSION),
        RESTRICT_VERSION("RestrictVersion", Subject.VERSION),
        UNPUBLISH_VERSION("UnpublishVersion", Subject.VERSION),
        UNPUBLISH_PRODUCT("UnpublishProduct", Subject.PRODUCT),
        UPDATE_INFORMATION("UpdateInformation", Subject.PRODUCT),
        ADD_REGIONS("AddRegions", Subject.PRODUCT),
        RESTRICT_REGIONS("RestrictRegions", Subject.PRODUCT),
        ADD_INSTANCE_TYPES("AddInstanceTypes", Subject.PRODUCT),
        RESTRICT_INSTANCE_TYPES("RestrictInstanceTypes", Subject.PRODUCT),
        CREATE_PRODUCT("CreateProduct", Subject.NONE),
        ADD_DIMENSIONS("AddDimensions", Subject.PRODUCT),
        ADD_VERSION("AddVersion", Subject.PRODUCT),
        UPDATE_TARGETING("UpdateTargeting", Subject.PRODUCT),
        CREATE_OFFER("CreateOffer", Subject.PRODUCT),
        UPDATE_PRICING_TERMS("UpdatePricingTerms", Subject.OFFER),
        RESTRICT_DIMENSIONS("RestrictDimensions", Subject.PRODUCT),
        UPDATE_DIMENSIONS("UpdateDimensions", Subject.PRODUCT),
        UPDATE_AVAILABILITY("UpdateAvailability", Subject.OFFER);

        private final String wire;
        private final Subject subject;

        Type(String wire, Subject subject) {
            this.wire = wire;
            this.subject = subject;
        }

        /** What a request names for it. */
        Subject subject() {
            return subject;
        }

        /** What it makes, or else what it is about: what a later change of its set can refer to by its name. */
        Subject result() {
            return switch (this) {
                case CREATE_PRODUCT -> Subject.PRODUCT;
                case ADD_VERSION -> Subject.VERSION;
                case CREATE_OFFER -> Subject.OFFER;
                default -> subject;
            };
        }

        /** Whether it is about dimensions, offers or allow-lists, or adds something: what it is told is an {@link Addition}. */
        boolean adds() {
            return switch (this) {
                case CREATE_PRODUCT,
                        ADD_DIMENSIONS,
                        ADD_VERSION,
                        UPDATE_TARGETING,
                        CREATE_OFFER,
                        UPDATE_PRICING_TERMS,
                        RESTRICT_DIMENSIONS,
                        UPDATE_DIMENSIONS,
                        UPDATE_AVAILABILITY -> true;
                case PUBLISH_VERSION,
                        MODIFY_VERSION,
                        RESTRICT_VERSION,
                        UNPUBLISH_VERSION,
                        UNPUBLISH_PRODUCT,
                        UPDATE_INFORMATION,
                        ADD_REGIONS,
                        RESTRICT_REGIONS,
                        ADD_INSTANCE_TYPES,
                        RESTRICT_INSTANCE_TYPES -> false;
            };
        }

        public String wire() {
            return wire;
        }

        /** Whether it changes a version, and not its product. */
        public boolean isOfVersion() {
            return subject == Subject.VERSION;
        }

        public static Type ofWire(String wire) {
            for (Type type : values()) {
                if (type.wire.equals(wire)) {
                    return type;
                }
            }
            throw new IllegalArgumentException(
                    "must be one of " + Stream.of(values()).map(Type::wire).collect(Collectors.joining(", ")));
        }
    }

    /** What a change is about. */
    enum Subject {
        /** Nothing that is there yet. */
        NONE,
        PRODUCT,
        VERSION,
        OFFER;

        String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What it adds; for the types that add something. */
    Addition addition() {
        return details.addition().orElseThrow();
    }

    /** Whether subscribers get a mail about new texts. */
    public boolean announce() {
        return details.announce();
    }

    /**
     * A change as it was asked for: a version's product is not known yet, and ids may be references such as {@code
     * $Name.Entity.Identifier} to what an earlier change of the set makes or is about.
     *
     * @param name by which later changes refer to it
     */
    public record Wanted(
            Optional<String> name,
            Type type,
            Optional<String> productId,
            Optional<String> versionId,
            Optional<String> offerId,
            ChangeDetails details) {
        static final int TARGET_CHARS_MAX = 120;
        private static final int NAME_CHARS_MAX = 72;
        private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-]{1," + NAME_CHARS_MAX + "}");
        static final Pattern REFERENCE =
                Pattern.compile("\\$([a-zA-Z0-9_-]{1," + NAME_CHARS_MAX + "})\\.Entity\\.Identifier");

        /** Without a name. */
        public Wanted(Type type, Optional<String> productId, Optional<String> versionId, ChangeDetails details) {
            this(Optional.empty(), type, productId, versionId, Optional.empty(), details);
        }

        /** What it names, whatever that is. */
        Optional<String> target() {
            return versionId.or(() -> productId).or(() -> offerId);
        }

        private static String checkName(String name) {
            if (!NAME.matcher(name).matches()) {
                throw new IllegalArgumentException(
                        "must have 1 to " + NAME_CHARS_MAX + " letters, digits, underscores or hyphens");
            }
            return name;
        }

        /** A change to a version. */
        public static Wanted ofVersion(Type type, String versionId, ChangeDetails details) {
            return new Wanted(type, Optional.empty(), Optional.of(versionId), details);
        }

        /** A change to a product. */
        public static Wanted ofProduct(Type type, String productId, ChangeDetails details) {
            return new Wanted(type, Optional.of(productId), Optional.empty(), details);
        }

        /** Reads {@code name}, {@code type}, then what it is about, and what its type has besides. */
        public static Wanted read(Fields in) {
            Type type = in.parsed("type", Type::ofWire, Type.PUBLISH_VERSION);
            Subject subject = type.subject();
            for (String ours : List.of("offer", "offerKind")) {
                if (in.has(ours) && !ours.equals(subject.wire())) {
                    in.problem(ours, "is not for this change");
                }
            }
            return new Wanted(
                    in.optionalParsed("name", Wanted::checkName),
                    type,
                    target(in, subject, Subject.PRODUCT),
                    target(in, subject, Subject.VERSION),
                    target(in, subject, Subject.OFFER),
                    ChangeDetails.read(type, in));
        }

        private static Optional<String> target(Fields in, Subject of, Subject one) {
            return of == one ? Optional.of(in.string(one.wire(), TARGET_CHARS_MAX)) : Optional.empty();
        }

        /** As {@link #read} takes it. */
        Map<String, Object> json() {
            Map<String, Object> json = Json.object(
                    "type", type.wire(), "product", productId.orElse(null), "version", versionId.orElse(null));
            json.putAll(details.json(type));
            // What has none of these hashes as it did before there were any.
            name.ifPresent(n -> json.put("name", n));
            offerId.ifPresent(o -> json.put("offer", o));
            return json;
        }
    }

    /** The part that is kept as JSON. */
    String detailsJson() {
        return Json.write(details.json(type));
    }

    static Change ofRow(int index, Type type, String productId, Optional<String> versionId, String detailsJson) {
        return new Change(index, type, productId, versionId, stored(type, detailsJson));
    }

    private static ChangeDetails stored(Type type, String detailsJson) {
        Map<String, Object> kept = Json.parseObject(detailsJson);
        // Until V12 texts were kept as "text".
        Object text = kept.remove("text");
        if (text != null) {
            kept.put("details", text);
        }
        Fields in = Fields.of(kept);
        ChangeDetails details = ChangeDetails.read(type, in);
        // Half a change must not be carried out.
        if (!in.problems().isEmpty()) {
            throw new IllegalStateException("a stored " + type + " cannot be read: " + in.problems());
        }
        return details;
    }

    public Map<String, Object> json() {
        Map<String, Object> json =
                Json.object("type", type.wire(), "product", productId, "version", versionId.orElse(null));
        json.putAll(details.json(type));
        return json;
    }
}
