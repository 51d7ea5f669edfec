package io.tallystick.cloudsim;

import io.tallystick.cloudsim.Ec2Api.Caller;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** EC2's actions on images, for one caller at one moment: marketplace reference 8.4. */
final class Ec2Images {
    private static final Pattern ID = Pattern.compile("ami-(?:[0-9a-f]{8}|[0-9a-f]{17})");
    private static final int CLIENT_TOKEN_CHARS_MAX = 64;
    private static final Duration DEPRECATION_MAX = Duration.ofDays(3650);

    private final Images images;
    private final Caller caller;
    private final Instant now;

    Ec2Images(Images images, Caller caller, Instant now) {
        this.images = images;
        this.caller = caller;
        this.now = now;
    }

    void describe(Ec2Params params, Instant asOf, Xml xml) {
        List<String> ids = params.list("ImageId");
        List<String> owners = params.list("Owner");
        List<String> executableBy = params.list("ExecutableBy");
        boolean deprecatedToo = params.bool("IncludeDeprecated");
        Map<String, List<String>> filters = params.filters();
        params.done();
        ids.forEach(id -> needSeen(get(id), asOf));
        List<VmImage> found = images.visible(Cloud.AWS, caller.region(), caller.account()).stream()
                .filter(i -> !i.created().isAfter(asOf))
                .filter(i -> ids.isEmpty() ? deprecatedToo || isShown(i) : ids.contains(i.imageId()))
                .filter(i -> owners.isEmpty()
                        || owners.stream().anyMatch(o -> i.accountId().equals(o.equals("self") ? caller.account() : o)))
                .filter(i -> executableBy.isEmpty() || executableBy.stream().anyMatch(e -> isExecutableBy(i, e)))
                .filter(i -> filters.entrySet().stream()
                        .allMatch(f -> f.getValue().stream().anyMatch(v -> matches(i, f.getKey(), v))))
                .toList();
        xml.items("imagesSet", found, i -> item(i, xml));
    }

    private static void needSeen(VmImage image, Instant asOf) {
        if (image.created().isAfter(asOf)) {
            throw notFound(image.imageId());
        }
    }

    /** A deprecated image is listed for its owner only; by its id everybody who may launch it finds it. */
    private boolean isShown(VmImage image) {
        return image.accountId().equals(caller.account())
                || image.life().deprecatedAt().filter(at -> !at.isAfter(now)).isEmpty();
    }

    private boolean isExecutableBy(VmImage image, String who) {
        return switch (who) {
            case "self" -> image.access().accounts().contains(caller.account());
            case "all" -> image.access().everyone();
            default -> image.access().accounts().contains(who);
        };
    }

    private boolean matches(VmImage image, String filter, String value) {
        if (filter.startsWith("tag:")) {
            String tag = image.tags().get(filter.substring("tag:".length()));
            return tag != null && isLike(tag, value);
        }
        return switch (filter) {
            case "image-id" -> isLike(image.imageId(), value);
            case "name" -> isLike(image.name(), value);
            case "owner-id" -> isLike(image.accountId(), value);
            case "architecture" -> isLike(image.architecture(), value);
            case "state" -> isLike(image.state(now).wire(), value);
            case "product-code" -> image.productCodes().stream().anyMatch(c -> isLike(c, value));
            case "product-code.type" -> !image.productCodes().isEmpty() && isLike("marketplace", value);
            default -> throw ApiError.ec2("InvalidParameterValue", "The filter '" + filter + "' is invalid");
        };
    }

    /** EC2's wildcards: {@code *} for anything, {@code ?} for one character. */
    static boolean isLike(String text, String pattern) {
        StringBuilder regex = new StringBuilder();
        for (int i = 0; i < pattern.length(); i++) {
            char c = pattern.charAt(i);
            regex.append(c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(String.valueOf(c)));
        }
        return Pattern.compile(regex.toString(), Pattern.DOTALL).matcher(text).matches();
    }

    private void item(VmImage image, Xml xml) {
        xml.leaf("imageId", image.imageId())
                .leaf("imageLocation", image.accountId() + "/" + image.name())
                .leaf("imageState", image.state(now).wire())
                .leaf("imageOwnerId", image.accountId())
                .leaf("isPublic", image.access().everyone())
                .leaf("architecture", image.architecture())
                .leaf("imageType", "machine")
                .leaf("creationDate", image.created())
                .leaf("name", image.name())
                .leaf("rootDeviceType", "ebs")
                .leaf("virtualizationType", "hvm");
        image.source().ifPresent(source -> xml.leaf("sourceImageId", source));
        image.life().deprecatedAt().ifPresent(at -> xml.leaf("deprecationTime", at));
        if (image.state(now) == VmImage.State.FAILED) {
            xml.open("stateReason")
                    .leaf("code", "Client.SimulatedFailure")
                    .leaf("message", VmImage.FAILURE)
                    .close();
        }
        codes(image.productCodes(), xml);
        tags(image.tags(), xml);
    }

    static void codes(List<String> codes, Xml xml) {
        xml.items("productCodes", codes, c -> xml.leaf("productCode", c).leaf("type", "marketplace"));
    }

    static void tags(Map<String, String> tags, Xml xml) {
        xml.items("tagSet", tags.entrySet(), t -> xml.leaf("key", t.getKey()).leaf("value", t.getValue()));
    }

    void describeAttribute(Ec2Params params, Xml xml) {
        VmImage image = own(params.required("ImageId"));
        String attribute = params.required("Attribute");
        params.done();
        xml.leaf("imageId", image.imageId());
        switch (attribute) {
            case "launchPermission" -> {
                xml.open("launchPermission");
                if (image.access().everyone()) {
                    xml.open("item").leaf("group", "all").close();
                }
                image.access()
                        .accounts()
                        .forEach(a -> xml.open("item").leaf("userId", a).close());
                xml.close();
            }
            case "productCodes" -> codes(image.productCodes(), xml);
            default -> throw ApiError.ec2("InvalidParameterValue", "The attribute " + attribute + " is not simulated");
        }
    }

    void copy(Ec2Params params, Optional<ApiFault> fault, Xml xml) {
        String name = params.required("Name");
        String sourceId = params.required("SourceImageId");
        String sourceRegion = params.required("SourceRegion");
        Optional<String> token = params.optional("ClientToken");
        boolean copyTags = params.bool("CopyImageTags");
        params.optional("Description");
        Map<String, String> tags = new TreeMap<>();
        if (params.optional("TagSpecification.1.ResourceType")
                .filter("image"::equals)
                .isPresent()) {
            tags.putAll(params.tags("TagSpecification.1.Tag"));
        }
        params.done();
        if (!name.matches("[a-zA-Z0-9 ()\\[\\]./'@_\\-]{3,128}")) {
            throw ApiError.ec2("InvalidAMIName.Malformed", "AMI names must be between 3 and 128 characters long");
        }
        if (token.filter(t -> t.length() > CLIENT_TOKEN_CHARS_MAX).isPresent()) {
            throw ApiError.ec2("InvalidParameterValue", "ClientToken must have at most 64 characters");
        }
        Optional<VmImage> before = token.flatMap(this::madeFor);
        if (before.isPresent()) {
            VmImage same = before.get();
            if (!same.name().equals(name) || !same.source().equals(Optional.of(sourceId))) {
                throw ApiError.ec2(
                        "IdempotentParameterMismatch", "The request uses the same client token as a different one");
            }
            xml.leaf("imageId", same.imageId());
            return;
        }
        VmImage source = images.visible(Cloud.AWS, sourceRegion, caller.account(), sourceId)
                .orElseThrow(() -> notFound(sourceId));
        needAvailable(source);
        if (copyTags && source.accountId().equals(caller.account())) {
            source.tags().forEach(tags::putIfAbsent);
        }
        Images.Copy wanted = new Images.Copy(caller.account(), caller.region(), name, token, tags);
        xml.leaf("imageId", images.copy(source, wanted, now, fault).imageId());
    }

    private Optional<VmImage> madeFor(String token) {
        return images.all().stream()
                .filter(i -> i.life().clientToken().equals(Optional.of(token))
                        && i.accountId().equals(caller.account())
                        && i.region().equals(caller.region()))
                .findFirst();
    }

    void modify(Ec2Params params, Xml xml) {
        VmImage image = own(params.required("ImageId"));
        if (!params.list("ProductCode").isEmpty()) {
            throw ApiError.ec2("UnsupportedOperation", "Product codes of an image cannot be modified");
        }
        Set<String> add = new HashSet<>(params.members("LaunchPermission.Add", "UserId"));
        Set<String> remove = new HashSet<>(params.members("LaunchPermission.Remove", "UserId"));
        Set<String> addGroups = new HashSet<>(params.members("LaunchPermission.Add", "Group"));
        Set<String> removeGroups = new HashSet<>(params.members("LaunchPermission.Remove", "Group"));
        // The form of older clients says the same.
        Optional<String> attribute = params.optional("Attribute");
        Optional<String> operation = params.optional("OperationType");
        boolean removes = operation.filter("remove"::equals).isPresent();
        (removes ? remove : add).addAll(params.list("UserId"));
        (removes ? removeGroups : addGroups).addAll(params.list("UserGroup"));
        params.done();
        if (attribute.filter(a -> !a.equals("launchPermission")).isPresent()) {
            throw ApiError.ec2("UnsupportedOperation", "The attribute " + attribute.get() + " cannot be modified");
        }
        for (String account : add) {
            checkAccount(account);
        }
        remove.forEach(Ec2Images::checkAccount);
        if (!addGroups.isEmpty() && !image.productCodes().isEmpty()) {
            throw ApiError.ec2("OperationNotPermitted", "Images with product codes cannot be made public");
        }
        needAvailable(image);
        Set<String> accounts = new HashSet<>(image.access().accounts());
        accounts.addAll(add);
        accounts.removeAll(remove);
        if (accounts.size() > VmImage.SHARES_MAX) {
            throw ApiError.ec2("ResourceLimitExceeded", "An image is shared with at most " + VmImage.SHARES_MAX);
        }
        boolean everyone = (image.access().everyone() || addGroups.contains("all")) && !removeGroups.contains("all");
        images.put(image.with(new VmImage.Access(accounts, everyone)));
        xml.leaf("return", true);
    }

    private static void checkAccount(String account) {
        if (!AccessKey.isAccount(account)) {
            throw ApiError.ec2(
                    "InvalidAMIAttributeItemValue",
                    "Invalid attribute item value \"" + account + "\" for userId item type.");
        }
    }

    void deprecate(Ec2Params params, Xml xml) {
        VmImage image = own(params.required("ImageId"));
        String at = params.required("DeprecateAt");
        params.done();
        Instant time;
        try {
            time = Instant.parse(at);
        } catch (DateTimeException e) {
            throw ApiError.ec2("InvalidParameterValue", "DeprecateAt must be a time in ISO 8601");
        }
        if (time.isBefore(now) || time.isAfter(now.plus(DEPRECATION_MAX))) {
            throw ApiError.ec2("InvalidParameterValue", "DeprecateAt must be in the next 10 years");
        }
        images.put(image.with(image.life().withDeprecatedAt(time)));
        xml.leaf("return", true);
    }

    void deregister(Ec2Params params, Xml xml) {
        String id = params.required("ImageId");
        boolean snapshotsToo = params.bool("DeleteAssociatedSnapshots");
        params.done();
        images.find(id)
                .filter(i -> i.life().gone() && i.accountId().equals(caller.account()))
                .ifPresent(i -> {
                    throw ApiError.ec2(
                            "InvalidAMIID.Unavailable", "The image id '[" + id + "]' is no longer available");
                });
        VmImage image = own(id);
        images.delete(image);
        if (snapshotsToo) {
            images.snapshotOf(image).ifPresent(s -> images.deleteSnapshot(s.snapshotId()));
        }
        xml.leaf("return", true);
    }

    void tag(String id, Map<String, String> tags) {
        images.put(own(id).withTags(tags));
    }

    private VmImage get(String id) {
        if (!ID.matcher(id).matches()) {
            throw ApiError.ec2("InvalidAMIID.Malformed", "Invalid id: \"" + id + "\"");
        }
        return images.visible(Cloud.AWS, caller.region(), caller.account(), id).orElseThrow(() -> notFound(id));
    }

    private VmImage own(String id) {
        VmImage image = get(id);
        if (!image.accountId().equals(caller.account())) {
            throw ApiError.ec2(403, "AuthFailure", "Not authorized for image:" + id);
        }
        return image;
    }

    private void needAvailable(VmImage image) {
        if (image.state(now) != VmImage.State.AVAILABLE) {
            throw ApiError.ec2("InvalidAMIID.Unavailable", "The image id '[" + image.imageId() + "]' is not available");
        }
    }

    private static ApiError notFound(String id) {
        return ApiError.ec2("InvalidAMIID.NotFound", "The image id '[" + id + "]' does not exist");
    }
}
