package io.tallystick.cloudsim;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * An image made of a VM: the codes it carries and a copy of the disk as it was at that moment.
 *
 * @param disk the folder with the copy; not to be written to
 */
public record VmImage(
        String imageId,
        Cloud cloud,
        String accountId,
        String region,
        String architecture,
        List<String> productCodes,
        List<String> billingProducts,
        Instant created,
        Path disk) {
    private static final int PATH_CHARS_MAX = 4096;

    public VmImage {
        productCodes = List.copyOf(productCodes);
        billingProducts = List.copyOf(billingProducts);
    }

    VmImage with(Path newDisk) {
        return new VmImage(
                imageId, cloud, accountId, region, architecture, productCodes, billingProducts, created, newDisk);
    }

    Map<String, Object> json() {
        return Json.object(
                "imageId", imageId,
                "cloud", cloud.wire(),
                "accountId", accountId,
                "region", region,
                "architecture", architecture,
                "productCodes", productCodes,
                "billingProducts", billingProducts,
                "created", created,
                "disk", disk.toString());
    }

    static VmImage read(Fields f) {
        return new VmImage(
                f.string("imageId", VmInfo.TEXT_CHARS_MAX),
                f.optionalParsed("cloud", Cloud::ofWire).orElse(Cloud.AWS),
                f.string("accountId", VmInfo.TEXT_CHARS_MAX),
                f.string("region", VmInfo.TEXT_CHARS_MAX),
                f.string("architecture", VmInfo.TEXT_CHARS_MAX),
                f.optionalStrings("productCodes", VmInfo.CODES_MAX, VmInfo.TEXT_CHARS_MAX),
                f.optionalStrings("billingProducts", VmInfo.CODES_MAX, VmInfo.TEXT_CHARS_MAX),
                f.instant("created"),
                Path.of(f.string("disk", PATH_CHARS_MAX)));
    }
}
