package io.tallystick.cloudsim;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.net.URI;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * All there is to know about one VM at one moment; what the control API answers and the state file keeps.
 *
 * @param tags tags of the instance, shown by its metadata only where the options say so (AWS) or always (OUTSCALE)
 * @param metadataPort the loopback port of its metadata service while it runs, and the wish for the next start
 * @param disk the folder that stands for its disk; programs "in the VM" keep their state under it
 */
public record VmInfo(
        VmIdentity identity,
        VmState state,
        MetadataOptions options,
        Map<String, String> tags,
        int metadataPort,
        Path disk) {

    /**
     * Options of an instance's metadata service. All but the last are EC2's, and mean nothing at OUTSCALE.
     *
     * @param tokensRequired {@code HttpTokens=required}: a request without a token gets 401
     * @param enabled {@code HttpEndpoint=enabled}: otherwise everything gets 403
     * @param instanceTags {@code InstanceMetadataTags=enabled}: otherwise {@code tags/instance/} is 404
     * @param productCodes whether {@code product-codes} is there; for OUTSCALE, which does not document that path, so a
     *     client must live without it
     */
    public record MetadataOptions(boolean tokensRequired, boolean enabled, boolean instanceTags, boolean productCodes) {
        /** Tokens required, service on, no tags: what images of today ask for. */
        public static final MetadataOptions DEFAULT = new MetadataOptions(true, true, false);

        /** EC2's options. */
        public MetadataOptions(boolean tokensRequired, boolean enabled, boolean instanceTags) {
            this(tokensRequired, enabled, instanceTags, true);
        }

        /** Whether an OUTSCALE VM's metadata has {@code product-codes}. */
        public static MetadataOptions outscale(boolean productCodes) {
            return new MetadataOptions(true, true, false, productCodes);
        }
    }

    static final int TEXT_CHARS_MAX = 256;
    static final int CODES_MAX = 16;
    static final int TAGS_MAX = 50;
    private static final int PATH_CHARS_MAX = 4096;
    private static final int PORT_MAX = 65535;

    public VmInfo {
        tags = Collections.unmodifiableMap(new TreeMap<>(tags));
    }

    public String instanceId() {
        return identity.instanceId();
    }

    /** Where the metadata service answers while the VM runs; without a path. */
    public URI metadata() {
        return URI.create("http://127.0.0.1:" + metadataPort);
    }

    VmInfo with(VmIdentity newIdentity, VmState newState, int newPort) {
        return new VmInfo(newIdentity, newState, options, tags, newPort, disk);
    }

    VmInfo with(VmState newState) {
        return with(identity, newState, metadataPort);
    }

    VmInfo with(MetadataOptions newOptions) {
        return new VmInfo(identity, state, newOptions, tags, metadataPort, disk);
    }

    VmInfo withTags(Map<String, String> newTags) {
        return new VmInfo(identity, state, options, newTags, metadataPort, disk);
    }

    VmInfo with(Path newDisk) {
        return new VmInfo(identity, state, options, tags, metadataPort, newDisk);
    }

    Map<String, Object> json() {
        Map<String, Object> json = new LinkedHashMap<>(Json.object(
                "instanceId", identity.instanceId(),
                "cloud", identity.cloud().wire(),
                "state", state.wire(),
                "accountId", identity.accountId(),
                "region", identity.region(),
                "availabilityZone", identity.availabilityZone(),
                "instanceType", identity.instanceType(),
                "imageId", identity.imageId(),
                "architecture", identity.architecture(),
                "productCodes", identity.productCodes(),
                "billingProducts", identity.billingProducts(),
                "pendingTime", identity.pendingTime(),
                "privateIp", identity.privateIp(),
                "mac", identity.mac(),
                "reservationId", identity.reservationId(),
                "tags", tags));
        json.putAll(optionsJson(options));
        json.put("metadataPort", metadataPort);
        json.put("metadata", metadata());
        // As text: a Path is an Iterable of itself.
        json.put("disk", disk.toString());
        return json;
    }

    /** Reads what {@link #json()} wrote; problems are the caller's to raise with {@link Fields#done()}. */
    static VmInfo read(Fields f) {
        VmIdentity identity = new VmIdentity(
                f.optionalParsed("cloud", Cloud::ofWire).orElse(Cloud.AWS),
                f.string("accountId", TEXT_CHARS_MAX),
                f.string("region", TEXT_CHARS_MAX),
                f.string("availabilityZone", TEXT_CHARS_MAX),
                f.string("instanceId", TEXT_CHARS_MAX),
                f.string("instanceType", TEXT_CHARS_MAX),
                f.string("imageId", TEXT_CHARS_MAX),
                f.string("architecture", TEXT_CHARS_MAX),
                f.optionalStrings("productCodes", CODES_MAX, TEXT_CHARS_MAX),
                f.optionalStrings("billingProducts", CODES_MAX, TEXT_CHARS_MAX),
                f.instant("pendingTime"),
                f.string("privateIp", TEXT_CHARS_MAX),
                f.string("mac", TEXT_CHARS_MAX),
                f.string("reservationId", TEXT_CHARS_MAX));
        f.string("metadata", TEXT_CHARS_MAX);
        return new VmInfo(
                identity,
                f.parsed("state", VmState::ofWire, VmState.STOPPED),
                readOptions(f, MetadataOptions.DEFAULT),
                f.optionalStringMap("tags", TAGS_MAX, TEXT_CHARS_MAX, TEXT_CHARS_MAX),
                (int) f.number("metadataPort", 0, PORT_MAX),
                Path.of(f.string("disk", PATH_CHARS_MAX)));
    }

    static Map<String, Object> optionsJson(MetadataOptions options) {
        return Json.object(
                "httpTokens", options.tokensRequired() ? "required" : "optional",
                "httpEndpoint", options.enabled() ? "enabled" : "disabled",
                "instanceMetadataTags", options.instanceTags() ? "enabled" : "disabled",
                "metadataProductCodes", options.productCodes() ? "enabled" : "disabled");
    }

    /** EC2's words for the options; an absent one stays as it is in {@code before}. */
    static MetadataOptions readOptions(Fields f, MetadataOptions before) {
        return new MetadataOptions(
                either(f, "httpTokens", "required", "optional", before.tokensRequired()),
                either(f, "httpEndpoint", "enabled", "disabled", before.enabled()),
                either(f, "instanceMetadataTags", "enabled", "disabled", before.instanceTags()),
                either(f, "metadataProductCodes", "enabled", "disabled", before.productCodes()));
    }

    private static boolean either(Fields f, String name, String yes, String no, boolean absent) {
        @Nullable String value = f.optionalString(name, TEXT_CHARS_MAX).orElse(null);
        if (value == null) {
            return absent;
        }
        if (!value.equals(yes) && !value.equals(no)) {
            f.problem(name, "must be " + yes + " or " + no);
        }
        return value.equals(yes);
    }
}
