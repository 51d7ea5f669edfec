package io.tallystick.cloudsim;

import io.tallystick.common.json.Json;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What the cloud says about one VM, signed or not. Never changes during the life of a VM but for the pending time.
 *
 * @param productCodes marketplace codes inherited from the image, in order; empty for none
 * @param billingProducts operating system and licence codes; empty for none
 * @param pendingTime the last start, whole seconds; not changed by a reboot
 */
public record VmIdentity(
        Cloud cloud,
        String accountId,
        String region,
        String availabilityZone,
        String instanceId,
        String instanceType,
        String imageId,
        String architecture,
        List<String> productCodes,
        List<String> billingProducts,
        Instant pendingTime,
        String privateIp,
        String mac,
        String reservationId) {

    private static final String DOCUMENT_VERSION = "2017-09-30";

    public VmIdentity {
        productCodes = List.copyOf(productCodes);
        billingProducts = List.copyOf(billingProducts);
    }

    VmIdentity withPendingTime(Instant started) {
        return new VmIdentity(
                cloud,
                accountId,
                region,
                availabilityZone,
                instanceId,
                instanceType,
                imageId,
                architecture,
                productCodes,
                billingProducts,
                started,
                privateIp,
                mac,
                reservationId);
    }

    /**
     * The identity document to the byte, as AWS (and no other cloud) serves and signs it: the keys of marketplace reference 1.1 in the order
     * and with the white space of the real samples, absent values {@code null}, no end of line last.
     */
    public byte[] document() {
        String text = "{\n"
                + member("accountId", quoted(accountId))
                + member("architecture", quoted(architecture))
                + member("availabilityZone", quoted(availabilityZone))
                + member("billingProducts", array(billingProducts))
                + member("devpayProductCodes", null)
                + member("marketplaceProductCodes", array(productCodes))
                + member("imageId", quoted(imageId))
                + member("instanceId", quoted(instanceId))
                + member("instanceType", quoted(instanceType))
                + member("kernelId", null)
                + member("pendingTime", quoted(pendingTime.toString()))
                + member("privateIp", quoted(privateIp))
                + member("ramdiskId", null)
                + member("region", quoted(region))
                + "  \"version\" : " + quoted(DOCUMENT_VERSION) + "\n}";
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String member(String name, @Nullable String json) {
        return "  \"" + name + "\" : " + json + ",\n";
    }

    private static String quoted(String value) {
        return Json.write(value);
    }

    private static @Nullable String array(List<String> values) {
        return values.isEmpty()
                ? null
                : values.stream().map(VmIdentity::quoted).collect(Collectors.joining(", ", "[ ", " ]"));
    }
}
