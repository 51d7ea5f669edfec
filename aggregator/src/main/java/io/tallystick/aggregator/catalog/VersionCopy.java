package io.tallystick.aggregator.catalog;

import io.tallystick.common.json.Json;
import java.util.Map;

/** The marketplace's copy of a version in one region, from publication there on; still named after it was deleted. */
public record VersionCopy(String region, String imageId) {
    Map<String, Object> json() {
        return Json.object("region", region, "imageId", imageId);
    }
}
