package io.tallystick.cloudsim;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A key that signs requests to a cloud's API for an account.
 *
 * @param readOnly whether the account's rules let it read only
 */
public record AccessKey(Cloud cloud, String accountId, String accessKeyId, String secretKey, boolean readOnly) {
    private static final Pattern ACCOUNT = Pattern.compile("[0-9]{12}");

    static boolean isAccount(String id) {
        return ACCOUNT.matcher(id).matches();
    }

    Map<String, Object> json() {
        return Json.object(
                "cloud", cloud.wire(),
                "accountId", accountId,
                "accessKeyId", accessKeyId,
                "secretKey", secretKey,
                "readOnly", readOnly);
    }

    static AccessKey read(Fields f) {
        return new AccessKey(
                f.parsed("cloud", Cloud::ofWire, Cloud.AWS),
                f.string("accountId", VmInfo.TEXT_CHARS_MAX),
                f.string("accessKeyId", VmInfo.TEXT_CHARS_MAX),
                f.string("secretKey", VmInfo.TEXT_CHARS_MAX),
                f.optionalBool("readOnly").orElse(false));
    }

    /** Not the secret. */
    @Override
    public String toString() {
        return "AccessKey[" + cloud.wire() + " " + accountId + " " + accessKeyId + (readOnly ? " read-only]" : "]");
    }
}
