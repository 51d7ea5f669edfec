package io.tallystick.cloudsim;

import io.tallystick.cloudsim.OutscaleApi.Caller;
import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;

/** OUTSCALE's actions on images (OMIs), for one caller at one moment. */
final class OutscaleImages {
    private final Images images;
    private final SimulatedClouds clouds;
    private final Caller caller;
    private final Instant now;

    OutscaleImages(Images images, SimulatedClouds clouds, Caller caller) {
        this.images = images;
        this.clouds = clouds;
        this.caller = caller;
        this.now = clouds.now();
    }

    /** From a VM or from another image; a copy carries its source's codes unless others are given. */
    Map<String, Object> create(Fields f, Optional<ApiFault> fault) {
        String name = f.optionalString("ImageName", VmInfo.TEXT_CHARS_MAX).orElse("");
        Optional<String> vm = f.optionalString("VmId", VmInfo.TEXT_CHARS_MAX);
        Optional<String> source = f.optionalString("SourceImageId", VmInfo.TEXT_CHARS_MAX);
        Optional<String> sourceRegion = f.optionalString("SourceRegionName", VmInfo.TEXT_CHARS_MAX);
        f.optionalString("Description", VmInfo.TEXT_CHARS_MAX);
        f.optionalBool("NoReboot");
        boolean codesGiven = f.has("ProductCodes");
        List<String> codes = f.optionalStrings("ProductCodes", VmInfo.CODES_MAX, VmInfo.TEXT_CHARS_MAX);
        f.done();
        if (vm.isPresent() == source.isPresent()) {
            throw missing("either VmId or SourceImageId");
        }
        if (source.isPresent() && !sourceRegion.equals(Optional.of(caller.region()))) {
            throw ApiError.outscale(
                    400, "4000", "InvalidParameterValue", "SourceRegionName must be the account's own Region");
        }
        if (!name.isEmpty() && !name.matches(ImageSpec.NAME)) {
            throw ApiError.outscale(400, "4000", "InvalidParameterValue", "ImageName is malformed");
        }
        if (images.visible(Cloud.OUTSCALE, caller.region(), caller.account()).stream()
                .anyMatch(
                        i -> i.accountId().equals(caller.account()) && i.name().equals(name))) {
            throw ApiError.outscale(409, "9000", "ResourceConflict", "The ImageName is already used");
        }
        VmImage made = vm.isPresent() ? ofVm(vm.get(), name) : copyOf(source.orElse(""), name, fault);
        if (codesGiven) {
            made = made.withCodes(codes);
            images.put(made);
        }
        return Json.object("Image", json(made));
    }

    private VmImage ofVm(String id, String name) {
        return images.ofVm(new OutscaleVms(clouds, caller).get(id).info(), name, now);
    }

    private VmImage copyOf(String id, String name, Optional<ApiFault> fault) {
        VmImage source = images.visible(Cloud.OUTSCALE, caller.region(), caller.account(), id)
                .orElseThrow(() -> noImage(id));
        if (source.state(now) != VmImage.State.AVAILABLE) {
            throw ApiError.outscale(409, "6000", "InvalidState", "The image is not available");
        }
        Images.Copy wanted = new Images.Copy(
                caller.account(),
                caller.region(),
                name.isEmpty() ? source.name() + " copy" : name,
                Optional.empty(),
                Map.of());
        return images.copy(source, wanted, now, fault);
    }

    Map<String, Object> read(Fields f, Instant asOf) {
        Fields filters = f.optionalObject("Filters").orElseGet(() -> Fields.of(Map.of()));
        Predicate<VmImage> all = i -> !i.created().isAfter(asOf);
        all = and(all, filters, "ImageIds", i -> List.of(i.imageId()));
        all = and(all, filters, "ImageNames", i -> List.of(i.name()));
        all = and(all, filters, "AccountIds", i -> List.of(i.accountId()));
        all = and(all, filters, "BlockDeviceMappingSnapshotIds", i -> images.snapshotOf(i).stream()
                .map(ImageSnapshot::snapshotId)
                .toList());
        all = and(all, filters, "ProductCodes", VmImage::productCodes);
        all = and(all, filters, "States", i -> List.of(i.state(now).wire()));
        all = and(
                all,
                filters,
                "PermissionsToLaunchAccountIds",
                i -> List.copyOf(i.access().accounts()));
        return OutscaleApi.page(
                f,
                "Images",
                images.visible(Cloud.OUTSCALE, caller.region(), caller.account()).stream()
                        .filter(all)
                        .map(this::json)
                        .toList(),
                clouds.pageMax());
    }

    private interface Values {
        List<String> of(VmImage image);
    }

    /** Names and ids may hold wildcards. */
    private static Predicate<VmImage> and(Predicate<VmImage> before, Fields filters, String name, Values values) {
        List<String> wanted = OutscaleApi.filter(filters, name);
        return wanted.isEmpty()
                ? before
                : before.and(image ->
                        values.of(image).stream().anyMatch(v -> wanted.stream().anyMatch(w -> Ec2Images.isLike(v, w))));
    }

    Map<String, Object> update(Fields f) {
        String id = f.string("ImageId", VmInfo.TEXT_CHARS_MAX);
        Optional<Fields> permissions = f.optionalObject("PermissionsToLaunch");
        f.optionalString("Description", VmInfo.TEXT_CHARS_MAX);
        boolean codesGiven = f.has("ProductCodes");
        List<String> codes = f.optionalStrings("ProductCodes", VmInfo.CODES_MAX, VmInfo.TEXT_CHARS_MAX);
        Optional<Fields> additions = permissions.flatMap(p -> p.optionalObject("Additions"));
        Optional<Fields> removals = permissions.flatMap(p -> p.optionalObject("Removals"));
        if (additions.isPresent() && removals.isPresent()) {
            throw ApiError.outscale(
                    400, "3001", "InvalidParameter", "PermissionsToLaunch takes either Additions or Removals");
        }
        List<String> add = accounts(additions);
        List<String> remove = accounts(removals);
        boolean addEveryone = everyone(additions);
        boolean removeEveryone = everyone(removals);
        f.done();
        VmImage image = own(id);
        if (codesGiven) {
            image = image.withCodes(codes);
        }
        Set<String> accounts = new HashSet<>(image.access().accounts());
        accounts.addAll(add);
        remove.forEach(accounts::remove);
        boolean everyone = (image.access().everyone() || addEveryone) && !removeEveryone;
        image = image.with(new VmImage.Access(accounts, everyone));
        images.put(image);
        return Json.object("Image", json(image));
    }

    private static List<String> accounts(Optional<Fields> change) {
        List<String> accounts =
                change.map(c -> OutscaleApi.filter(c, "AccountIds")).orElse(List.of());
        accounts.stream().filter(a -> !AccessKey.isAccount(a)).findFirst().ifPresent(a -> {
            throw ApiError.outscale(400, "4000", "InvalidParameterValue", "no account: " + a);
        });
        return accounts;
    }

    private static boolean everyone(Optional<Fields> change) {
        return change.flatMap(c -> c.optionalBool("GlobalPermission")).orElse(false);
    }

    Map<String, Object> delete(Fields f) {
        String id = f.string("ImageId", VmInfo.TEXT_CHARS_MAX);
        f.done();
        images.delete(own(id));
        return Map.of();
    }

    void tag(String id, Map<String, String> tags) {
        images.put(own(id).withTags(tags));
    }

    private VmImage own(String id) {
        VmImage image = images.visible(Cloud.OUTSCALE, caller.region(), caller.account(), id)
                .orElseThrow(() -> noImage(id));
        if (!image.accountId().equals(caller.account())) {
            throw ApiError.outscale(401, "4", "AccessDenied", "The image is another account's");
        }
        return image;
    }

    private Map<String, Object> json(VmImage image) {
        VmImage.State state = image.state(now);
        // Whom else it is shared with is the owner's business.
        List<String> accounts = image.accountId().equals(caller.account())
                ? List.copyOf(image.access().accounts())
                : List.of();
        return Json.object(
                "ImageId", image.imageId(),
                "ImageName", image.name(),
                "AccountId", image.accountId(),
                "State", state.wire(),
                "StateComment",
                        state == VmImage.State.FAILED
                                ? Json.object("StateCode", "simulated", "StateMessage", VmImage.FAILURE)
                                : Map.of(),
                "ProductCodes", image.productCodes(),
                "PermissionsToLaunch",
                        Json.object(
                                "AccountIds",
                                accounts,
                                "GlobalPermission",
                                image.access().everyone()),
                "Architecture", image.architecture(),
                "BlockDeviceMappings",
                        images.snapshotOf(image).stream()
                                .map(s -> Json.object(
                                        "DeviceName",
                                        "/dev/sda1",
                                        "Bsu",
                                        Json.object("SnapshotId", s.snapshotId(), "VolumeType", "standard")))
                                .toList(),
                "CreationDate", image.created(),
                "Tags", OutscaleApi.tags(image.tags()));
    }

    private static ApiError noImage(String id) {
        return ApiError.outscale(400, "5023", "InvalidResource", "The ImageId '" + id + "' doesn't exist.");
    }

    private static ApiError missing(String what) {
        return ApiError.outscale(400, "7000", "MissingParameter", "needed: " + what);
    }
}
