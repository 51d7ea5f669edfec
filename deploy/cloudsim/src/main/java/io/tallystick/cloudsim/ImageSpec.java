package io.tallystick.cloudsim;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A wish for an image with an empty disk, as if its owner had built it elsewhere. Its product codes are given to it here,
 * which at AWS only the marketplace can.
 *
 * @param region the cloud's first one if empty
 * @param sharedWith accounts that may launch and copy it
 */
public record ImageSpec(
        Cloud cloud, String accountId, String region, String name, List<String> productCodes, Set<String> sharedWith) {
    static final String NAME = "[a-zA-Z0-9_ ()/.\\-]{3,128}";

    public ImageSpec {
        productCodes = List.copyOf(productCodes);
        sharedWith = Set.copyOf(sharedWith);
        region = region.isEmpty() ? cloud.defaultRegion() : region;
    }

    static ImageSpec read(Fields f) {
        return new ImageSpec(
                f.optionalParsed("cloud", Cloud::ofWire).orElse(Cloud.AWS),
                f.string("accountId", VmInfo.TEXT_CHARS_MAX),
                f.optionalString("region", VmInfo.TEXT_CHARS_MAX).orElse(""),
                f.string("name", VmInfo.TEXT_CHARS_MAX),
                f.optionalStrings("productCodes", VmInfo.CODES_MAX, VmInfo.TEXT_CHARS_MAX),
                Set.copyOf(f.optionalStrings("sharedWith", VmImage.SHARES_MAX, VmInfo.TEXT_CHARS_MAX)));
    }

    Map<String, Object> json() {
        return Json.object(
                "cloud",
                cloud.wire(),
                "accountId",
                accountId,
                "region",
                region,
                "name",
                name,
                "productCodes",
                productCodes,
                "sharedWith",
                List.copyOf(sharedWith));
    }

    /** Throws one {@code invalid-request} with everything that is wrong. */
    void check() {
        List<Failure.Problem> problems = new ArrayList<>(VmSpec.of(accountId)
                .region(region)
                .productCodes(productCodes.toArray(new String[0]))
                .problems());
        if (!name.matches(NAME)) {
            problems.add(new Failure.Problem("name", "must be 3 to 128 letters, digits, spaces and _()/.-"));
        }
        sharedWith.stream()
                .filter(account -> !AccessKey.isAccount(account))
                .forEach(account -> problems.add(new Failure.Problem("sharedWith", "must be 12 digits each")));
        if (!problems.isEmpty()) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, problems);
        }
    }
}
