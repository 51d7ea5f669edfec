package io.tallystick.aggregator.lifecycle;

import io.tallystick.aggregator.catalog.VersionText;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.util.Map;
import java.util.Optional;

/**
 * One change of a change set.
 *
 * @param versionId there for all types but {@link Type#UNPUBLISH_PRODUCT}
 * @param text for {@link Type#MODIFY_VERSION} the texts that replace those there are
 * @param announce for {@link Type#MODIFY_VERSION} whether subscribers get a mail about it
 */
public record Change(
        int index,
        Type type,
        String productId,
        Optional<String> versionId,
        Optional<VersionText> text,
        boolean announce) {

    /** What a change can be; names as in the marketplaces' catalogue APIs. */
    public enum Type {
        PUBLISH_VERSION("PublishVersion"),
        MODIFY_VERSION("ModifyVersion"),
        RESTRICT_VERSION("RestrictVersion"),
        UNPUBLISH_VERSION("UnpublishVersion"),
        UNPUBLISH_PRODUCT("UnpublishProduct");

        private final String wire;

        Type(String wire) {
            this.wire = wire;
        }

        public String wire() {
            return wire;
        }

        public static Type ofWire(String wire) {
            for (Type type : values()) {
                if (type.wire.equals(wire)) {
                    return type;
                }
            }
            throw new IllegalArgumentException(
                    "must be PublishVersion, ModifyVersion, RestrictVersion, UnpublishVersion"
                            + " or UnpublishProduct");
        }
    }

    /** A change as it was asked for: a version's product is not known yet. */
    public record Wanted(
            Type type,
            Optional<String> productId,
            Optional<String> versionId,
            Optional<VersionText> text,
            boolean announce) {
        private static final int ID_CHARS_MAX = 64;

        /** Reads {@code type}, then {@code product} or {@code version}, {@code details} and {@code announce}. */
        public static Wanted read(Fields in) {
            Type type = in.parsed("type", Type::ofWire, Type.PUBLISH_VERSION);
            boolean product = type == Type.UNPUBLISH_PRODUCT;
            boolean modify = type == Type.MODIFY_VERSION;
            return new Wanted(
                    type,
                    product ? Optional.of(in.string("product", ID_CHARS_MAX)) : Optional.empty(),
                    product ? Optional.empty() : Optional.of(in.string("version", ID_CHARS_MAX)),
                    modify ? Optional.of(VersionText.read(in.object("details"))) : Optional.empty(),
                    modify && in.optionalBool("announce").orElse(false));
        }
    }

    /** The part that is kept as JSON. */
    String detailsJson() {
        return Json.write(Json.object("text", text.map(VersionText::json).orElse(null), "announce", announce));
    }

    static Change ofRow(int index, Type type, String productId, Optional<String> versionId, String detailsJson) {
        Fields details = Fields.of(Json.parseObject(detailsJson));
        return new Change(
                index,
                type,
                productId,
                versionId,
                details.optionalObject("text").map(VersionText::read),
                details.optionalBool("announce").orElse(false));
    }

    public Map<String, Object> json() {
        return Json.object(
                "type",
                type.wire(),
                "product",
                productId,
                "version",
                versionId.orElse(null),
                "details",
                text.map(VersionText::json).orElse(null),
                "announce",
                type == Type.MODIFY_VERSION ? announce : null);
    }
}
