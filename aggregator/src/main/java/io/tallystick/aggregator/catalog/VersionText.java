package io.tallystick.aggregator.catalog;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.util.Map;
import java.util.Optional;

/** What a seller writes about a version; may be changed as long as the version exists. */
public record VersionText(
        Optional<String> softwareVersion,
        Optional<String> operatingSystem,
        Optional<String> softwareBase,
        String releaseNotes,
        Optional<String> usageInstructions) {

    private static final int SHORT_CHARS_MAX = 200;
    private static final int LONG_CHARS_MAX = 20_000;

    /** Reads all fields: what is left out is empty afterwards, not as it was. */
    public static VersionText read(Fields in) {
        return new VersionText(
                in.optionalString("softwareVersion", SHORT_CHARS_MAX),
                in.optionalString("operatingSystem", SHORT_CHARS_MAX),
                in.optionalString("softwareBase", LONG_CHARS_MAX),
                in.string("releaseNotes", LONG_CHARS_MAX),
                in.optionalString("usageInstructions", LONG_CHARS_MAX));
    }

    public Map<String, Object> json() {
        return Json.object(
                "softwareVersion",
                softwareVersion.orElse(null),
                "operatingSystem",
                operatingSystem.orElse(null),
                "softwareBase",
                softwareBase.orElse(null),
                "releaseNotes",
                releaseNotes,
                "usageInstructions",
                usageInstructions.orElse(null));
    }
}
