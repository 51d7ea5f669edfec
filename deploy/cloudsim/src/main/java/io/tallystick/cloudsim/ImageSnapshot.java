package io.tallystick.cloudsim;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * The snapshot behind an image, which is there, and costs, until it is deleted: with its image at AWS where one asks for that,
 * by itself at OUTSCALE.
 */
public record ImageSnapshot(
        String snapshotId, Cloud cloud, String accountId, String region, String imageId, Map<String, String> tags) {
    public ImageSnapshot {
        tags = Collections.unmodifiableMap(new TreeMap<>(tags));
    }

    ImageSnapshot withTags(Map<String, String> added) {
        Map<String, String> all = new TreeMap<>(tags);
        all.putAll(added);
        return new ImageSnapshot(snapshotId, cloud, accountId, region, imageId, all);
    }

    Map<String, Object> json() {
        return Json.object(
                "snapshotId",
                snapshotId,
                "cloud",
                cloud.wire(),
                "accountId",
                accountId,
                "region",
                region,
                "imageId",
                imageId,
                "tags",
                tags);
    }

    static ImageSnapshot read(Fields f) {
        return new ImageSnapshot(
                f.string("snapshotId", VmInfo.TEXT_CHARS_MAX),
                f.parsed("cloud", Cloud::ofWire, Cloud.AWS),
                f.string("accountId", VmInfo.TEXT_CHARS_MAX),
                f.string("region", VmInfo.TEXT_CHARS_MAX),
                f.string("imageId", VmInfo.TEXT_CHARS_MAX),
                f.optionalStringMap("tags", VmInfo.TAGS_MAX, VmInfo.TEXT_CHARS_MAX, VmInfo.TEXT_CHARS_MAX));
    }
}
