package io.tallystick.aggregator.enrollment;

import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.Map;

/** A read-only access key of an account at a cloud, without its secret. */
public record CloudKeyEntry(
        String id, String cloud, String cloudAccount, String accessKey, String setBy, Instant setAt) {

    public Map<String, Object> json() {
        return Json.object(
                "id", id, "cloud", cloud, "cloudAccount", cloudAccount, "accessKey", accessKey, "setAt", setAt);
    }
}
