package io.tallystick.aggregator.lifecycle;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.util.Map;
import java.util.Optional;
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
        PUBLISH_VERSION("PublishVersion", true),
        MODIFY_VERSION("ModifyVersion", true),
        RESTRICT_VERSION("RestrictVersion", true),
        UNPUBLISH_VERSION("UnpublishVersion", true),
        UNPUBLISH_PRODUCT("UnpublishProduct", false),
        UPDATE_INFORMATION("UpdateInformation", false),
        ADD_REGIONS("AddRegions", false),
        RESTRICT_REGIONS("RestrictRegions", false),
        ADD_INSTANCE_TYPES("AddInstanceTypes", false),
        RESTRICT_INSTANCE_TYPES("RestrictInstanceTypes", false);

        private final String wire;
        private final boolean ofVersion;

        Type(String wire, boolean ofVersion) {
            this.wire = wire;
            this.ofVersion = ofVersion;
        }

        public String wire() {
            return wire;
        }

        /** Whether it changes a version, and not its product. */
        public boolean isOfVersion() {
            return ofVersion;
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

    /** Whether subscribers get a mail about new texts. */
    public boolean announce() {
        return details.announce();
    }

    /** A change as it was asked for: a version's product is not known yet. */
    public record Wanted(Type type, Optional<String> productId, Optional<String> versionId, ChangeDetails details) {
        private static final int ID_CHARS_MAX = 64;

        /** A change to a version. */
        public static Wanted ofVersion(Type type, String versionId, ChangeDetails details) {
            return new Wanted(type, Optional.empty(), Optional.of(versionId), details);
        }

        /** A change to a product. */
        public static Wanted ofProduct(Type type, String productId, ChangeDetails details) {
            return new Wanted(type, Optional.of(productId), Optional.empty(), details);
        }

        /** Reads {@code type}, then {@code product} or {@code version}, and what its type has besides. */
        public static Wanted read(Fields in) {
            Type type = in.parsed("type", Type::ofWire, Type.PUBLISH_VERSION);
            boolean version = type.isOfVersion();
            return new Wanted(
                    type,
                    version ? Optional.empty() : Optional.of(in.string("product", ID_CHARS_MAX)),
                    version ? Optional.of(in.string("version", ID_CHARS_MAX)) : Optional.empty(),
                    ChangeDetails.read(type, in));
        }

        /** As {@link #read} takes it. */
        Map<String, Object> json() {
            Map<String, Object> json = Json.object(
                    "type", type.wire(), "product", productId.orElse(null), "version", versionId.orElse(null));
            json.putAll(details.json(type));
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
        return ChangeDetails.read(type, Fields.of(kept));
    }

    public Map<String, Object> json() {
        Map<String, Object> json =
                Json.object("type", type.wire(), "product", productId, "version", versionId.orElse(null));
        json.putAll(details.json(type));
        return json;
    }
}
