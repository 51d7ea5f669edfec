package io.tallystick.cloudsim;

import io.tallystick.cloudsim.VmInfo.MetadataOptions;
import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A wish for a VM, filled in by chained setters; what is not said is chosen. Read once by a launch, which checks it
 * whole. When launched from an image, region, architecture and codes are the image's and must not be said.
 * Not thread-safe.
 */
public final class VmSpec {
    private static final Pattern ACCOUNT = Pattern.compile("[0-9]{12}");
    private static final Pattern IMAGE = Pattern.compile("ami-[0-9a-f]{8}(?:[0-9a-f]{9})?");
    private static final Pattern TYPE = Pattern.compile("[a-z0-9-]{1,24}\\.[a-z0-9-]{1,24}");
    private static final Pattern ARCHITECTURE = Pattern.compile("i386|x86_64|arm64");
    private static final Pattern CODE = Pattern.compile("[A-Za-z0-9_-]{1,64}");
    private static final Pattern IPV4 = Pattern.compile("(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\\.(?!$)|$)){4}");
    /** EC2's rule for tag keys shown in metadata: no slash, no space, not a path step. */
    private static final Pattern TAG = Pattern.compile("(?!\\.{1,2}$|_index$)[A-Za-z0-9+\\-=._,:@]{1,128}");

    private static final int PORT_MAX = 65535;

    @Nullable
    Cloud cloud;

    @Nullable
    String accountId;

    @Nullable
    String fromImage;

    @Nullable
    String region;

    @Nullable
    String availabilityZone;

    @Nullable
    String instanceType;

    @Nullable
    String imageId;

    @Nullable
    String architecture;

    @Nullable
    String privateIp;

    List<String> productCodes = List.of();
    List<String> billingProducts = List.of();
    Map<String, String> tags = Map.of();
    MetadataOptions options = MetadataOptions.DEFAULT;
    int metadataPort;

    private VmSpec() {}

    /** A VM of this account (12 digits): by default an x86_64 m5.large in us-east-1 without product codes. */
    public static VmSpec of(String accountId) {
        VmSpec spec = new VmSpec();
        spec.accountId = accountId;
        return spec;
    }

    /** Likewise at OUTSCALE: by default an x86_64 tinav5.c2r4p1 in eu-west-2. */
    public static VmSpec outscale(String accountId) {
        return of(accountId).cloud(Cloud.OUTSCALE);
    }

    /** AWS unless said. */
    public VmSpec cloud(Cloud name) {
        cloud = name;
        return this;
    }

    /** Launch from an image of this simulation, in the image's cloud. */
    public VmSpec fromImage(String id) {
        fromImage = id;
        return this;
    }

    public VmSpec region(String name) {
        region = name;
        return this;
    }

    /** Must lie in the region; its zone {@code a} by default. */
    public VmSpec availabilityZone(String name) {
        availabilityZone = name;
        return this;
    }

    public VmSpec instanceType(String type) {
        instanceType = type;
        return this;
    }

    /** The id the VM tells as its image's, for a VM that is not launched from an image of this simulation. */
    public VmSpec imageId(String id) {
        imageId = id;
        return this;
    }

    /** One of {@code i386}, {@code x86_64}, {@code arm64}. */
    public VmSpec architecture(String name) {
        architecture = name;
        return this;
    }

    public VmSpec privateIp(String ipv4) {
        privateIp = ipv4;
        return this;
    }

    public VmSpec productCodes(String... codes) {
        productCodes = List.of(codes);
        return this;
    }

    public VmSpec billingProducts(String... codes) {
        billingProducts = List.of(codes);
        return this;
    }

    public VmSpec tags(Map<String, String> keysAndValues) {
        tags = Map.copyOf(keysAndValues);
        return this;
    }

    public VmSpec metadataOptions(MetadataOptions metadataOptions) {
        options = metadataOptions;
        return this;
    }

    /** The loopback port of the metadata service; 0, the default, takes a free one. */
    public VmSpec metadataPort(int port) {
        metadataPort = port;
        return this;
    }

    /** Reads a launch request of the control API. Only types are checked here, so {@link #problems} must follow. */
    static VmSpec read(Fields f) {
        VmSpec spec = new VmSpec();
        spec.cloud = f.optionalParsed("cloud", Cloud::ofWire).orElse(null);
        spec.accountId = text(f, "accountId");
        spec.fromImage = text(f, "fromImage");
        spec.region = text(f, "region");
        spec.availabilityZone = text(f, "availabilityZone");
        spec.instanceType = text(f, "instanceType");
        spec.imageId = text(f, "imageId");
        spec.architecture = text(f, "architecture");
        spec.privateIp = text(f, "privateIp");
        spec.productCodes = f.optionalStrings("productCodes", VmInfo.CODES_MAX, VmInfo.TEXT_CHARS_MAX);
        spec.billingProducts = f.optionalStrings("billingProducts", VmInfo.CODES_MAX, VmInfo.TEXT_CHARS_MAX);
        spec.tags = f.optionalStringMap("tags", VmInfo.TAGS_MAX, VmInfo.TEXT_CHARS_MAX, VmInfo.TEXT_CHARS_MAX);
        spec.options = VmInfo.readOptions(f, MetadataOptions.DEFAULT);
        spec.metadataPort =
                f.optionalNumber("metadataPort", 0, PORT_MAX).orElse(0L).intValue();
        return spec;
    }

    private static @Nullable String text(Fields f, String name) {
        return f.optionalString(name, VmInfo.TEXT_CHARS_MAX).orElse(null);
    }

    /** As a launch request of the control API. */
    Map<String, Object> json() {
        Map<String, Object> json = new LinkedHashMap<>(Json.object(
                "cloud", cloud == null ? null : cloud.wire(),
                "accountId", accountId,
                "fromImage", fromImage,
                "region", region,
                "availabilityZone", availabilityZone,
                "instanceType", instanceType,
                "imageId", imageId,
                "architecture", architecture,
                "privateIp", privateIp,
                "productCodes", productCodes,
                "billingProducts", billingProducts,
                "tags", tags,
                "metadataPort", metadataPort));
        json.putAll(VmInfo.optionsJson(options));
        return json;
    }

    /** What {@link #cloud} says, without an image. */
    Cloud cloud() {
        return cloud == null ? Cloud.AWS : cloud;
    }

    /** Throws one {@code invalid-request} with everything that is wrong. */
    void check() {
        List<Failure.Problem> problems = problems();
        if (!problems.isEmpty()) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, problems);
        }
    }

    /** Everything that is wrong with the values; what needs the state of the cloud is not looked at. */
    List<Failure.Problem> problems() {
        List<Failure.Problem> problems = new ArrayList<>();
        if (accountId == null) {
            problems.add(new Failure.Problem("accountId", "is missing"));
        }
        match(problems, "accountId", ACCOUNT, accountId, "must be 12 digits");
        match(problems, "fromImage", IMAGE, fromImage, "must be ami- and 17 (AWS) or 8 (OUTSCALE) hex digits");
        int digits = cloud().idDigits();
        if (imageId != null && !(IMAGE.matcher(imageId).matches() && imageId.length() == "ami-".length() + digits)) {
            problems.add(new Failure.Problem("imageId", "must be ami- and " + digits + " hex digits"));
        }
        match(problems, "instanceType", TYPE, instanceType, "must be written like m5.large");
        match(problems, "architecture", ARCHITECTURE, architecture, "must be i386, x86_64 or arm64");
        match(problems, "privateIp", IPV4, privateIp, "must be an IPv4 address");
        if (region != null && !CloudCa.isRegion(region)) {
            problems.add(new Failure.Problem("region", "must be written like us-east-1"));
        }
        codes(problems, "productCodes", productCodes);
        codes(problems, "billingProducts", billingProducts);
        problems.addAll(tagProblems(tags));
        String home = region == null ? cloud().defaultRegion() : region;
        if (fromImage == null && availabilityZone != null && !availabilityZone.matches(Pattern.quote(home) + "[a-f]")) {
            problems.add(new Failure.Problem("availabilityZone", "must be " + home + " and a letter from a to f"));
        }
        if (metadataPort < 0 || metadataPort > PORT_MAX) {
            problems.add(new Failure.Problem("metadataPort", "must be from 0 to " + PORT_MAX));
        }
        if (fromImage != null) {
            imageRules(problems);
        }
        return problems;
    }

    static List<Failure.Problem> tagProblems(Map<String, String> tags) {
        List<Failure.Problem> problems = new ArrayList<>();
        if (tags.size() > VmInfo.TAGS_MAX) {
            problems.add(new Failure.Problem("tags", "must have at most " + VmInfo.TAGS_MAX + " members"));
        }
        tags.forEach((key, value) -> {
            match(problems, "tags." + key, TAG, key, "the key must be 1 to 128 of A-Za-z0-9+-=._,:@");
            if (value.length() > VmInfo.TEXT_CHARS_MAX) {
                problems.add(new Failure.Problem(
                        "tags." + key, "must be a string of at most " + VmInfo.TEXT_CHARS_MAX + " characters"));
            }
        });
        return problems;
    }

    private void imageRules(List<Failure.Problem> problems) {
        String rule = "is the image's when fromImage is given";
        if (cloud != null) {
            problems.add(new Failure.Problem("cloud", rule));
        }
        if (imageId != null) {
            problems.add(new Failure.Problem("imageId", rule));
        }
        if (region != null) {
            problems.add(new Failure.Problem("region", rule));
        }
        if (architecture != null) {
            problems.add(new Failure.Problem("architecture", rule));
        }
        if (!productCodes.isEmpty()) {
            problems.add(new Failure.Problem("productCodes", rule));
        }
        if (!billingProducts.isEmpty()) {
            problems.add(new Failure.Problem("billingProducts", rule));
        }
    }

    private static void codes(List<Failure.Problem> problems, String name, List<String> codes) {
        if (codes.size() > VmInfo.CODES_MAX) {
            problems.add(new Failure.Problem(name, "must have at most " + VmInfo.CODES_MAX + " elements"));
        }
        for (int i = 0; i < codes.size(); i++) {
            match(problems, name + "[" + i + "]", CODE, codes.get(i), "must be 1 to 64 of A-Za-z0-9_-");
        }
    }

    private static void match(
            List<Failure.Problem> problems, String name, Pattern pattern, @Nullable String value, String rule) {
        if (value != null && !pattern.matcher(value).matches()) {
            problems.add(new Failure.Problem(name, rule));
        }
    }
}
