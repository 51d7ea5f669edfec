package io.tallystick.aggregator.catalog;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a seller writes about a version; may be changed as long as the version exists.
 *
 * @param softwareBase what the software is built on, one item a line; once published, lines are only added
 * @param recommendedInstanceType one that the product is offered on
 */
public record VersionText(
        Optional<String> softwareVersion,
        Optional<String> operatingSystem,
        Optional<String> softwareBase,
        String releaseNotes,
        Optional<String> usageInstructions,
        Optional<String> recommendedInstanceType) {

    private static final int SHORT_CHARS_MAX = 200;
    private static final int LONG_CHARS_MAX = 20_000;

    /** Recommends no instance type. */
    public VersionText(
            Optional<String> softwareVersion,
            Optional<String> operatingSystem,
            Optional<String> softwareBase,
            String releaseNotes,
            Optional<String> usageInstructions) {
        this(softwareVersion, operatingSystem, softwareBase, releaseNotes, usageInstructions, Optional.empty());
    }

    /** Reads all fields: what is left out is empty afterwards, not as it was. */
    public static VersionText read(Fields in) {
        return new VersionText(
                in.optionalString("softwareVersion", SHORT_CHARS_MAX),
                in.optionalString("operatingSystem", SHORT_CHARS_MAX),
                in.optionalString("softwareBase", LONG_CHARS_MAX),
                in.string("releaseNotes", LONG_CHARS_MAX),
                in.optionalString("usageInstructions", LONG_CHARS_MAX),
                in.optionalParsed("recommendedInstanceType", Place::checkName));
    }

    /** What keeps these texts from replacing those of a published version: something of its software base is not there. */
    public Optional<String> shrinks(VersionText published) {
        Set<String> kept =
                new HashSet<>(softwareBase.orElse("").lines().map(String::strip).toList());
        return published
                .softwareBase()
                .orElse("")
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty() && !kept.contains(line))
                .findFirst()
                .map(line -> "has " + line + " in its software base, to which lines are only added");
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
                usageInstructions.orElse(null),
                "recommendedInstanceType",
                recommendedInstanceType.orElse(null));
    }
}
