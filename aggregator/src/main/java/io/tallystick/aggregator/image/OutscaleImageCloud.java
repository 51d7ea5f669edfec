package io.tallystick.aggregator.image;

import io.tallystick.common.json.Json;
import io.vertx.core.Future;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Images at OUTSCALE. It has no idempotency tokens, so a copy is found again by its name, which is unique in an account; and
 * it does not say that a permission taken back twice is fine, so only what is there is taken back.
 */
final class OutscaleImageCloud implements ImageCloud {
    private static final int NAME_CHARS_MAX = 128;
    /** The type of error for a name that another image of the account has. */
    private static final String NAME_TAKEN = "ResourceConflict/";

    /** The type of error for what the key may not do. */
    private static final String DENIED = "AccessDenied/";
    /** Names the image a snapshot was behind. */
    private static final String SNAPSHOT_TAG = "tallystick-image";

    private static final Pattern TOKEN = Pattern.compile("[a-zA-Z0-9_.-]{1,64}");
    private static final int PAGE = 1000;
    private static final int PAGES_MAX = 100;
    /** Values of one filter; OUTSCALE tells no limit for them. */
    private static final int CODES_PER_REQUEST = 100;

    private final Blocking blocking;
    private final OscClient api;
    private final String account;
    private final CloudKey key;

    OutscaleImageCloud(Blocking blocking, OscClient api, String account, CloudKey key) {
        this.blocking = blocking;
        this.api = api;
        this.account = account;
        this.key = key;
    }

    @Override
    public String cloud() {
        return CloudClients.OUTSCALE;
    }

    @Override
    public String account() {
        return account;
    }

    @Override
    public Future<Optional<CloudImage>> find(String region, String imageId) {
        return blocking.run(() -> image(region, imageId));
    }

    @Override
    public Future<List<CloudImage>> ownedBy(String region, String ownerAccount, String productCode) {
        return blocking.run(() -> {
            List<CloudImage> owned = new ArrayList<>(images(
                    region, Json.object("AccountIds", List.of(ownerAccount), "ProductCodes", List.of(productCode))));
            owned.sort(Comparator.comparing(CloudImage::name).thenComparing(CloudImage::id));
            return owned;
        });
    }

    @Override
    public Future<String> copy(String region, String sourceRegion, String sourceImageId, String name, String token) {
        String unique = imageName(name, token);
        return blocking.run(() -> {
            Optional<String> made = copyNamed(region, unique);
            if (made.isPresent()) {
                return made.get();
            }
            try {
                Map<String, Object> image = object(call(
                                region,
                                "CreateImage",
                                Json.object(
                                        "SourceImageId",
                                        sourceImageId,
                                        "SourceRegionName",
                                        sourceRegion,
                                        "ImageName",
                                        unique))
                        .get("Image"));
                return text(image, "ImageId");
            } catch (ImageCloudException e) {
                if (e.isRetryable()) {
                    throw e;
                }
                // Another request may have made it meanwhile: then the name is taken, by the copy that is wanted. The
                // cloud
                // may know the name before it lists the copy.
                return copyNamed(region, unique)
                        .orElseThrow(() -> e.code().startsWith(NAME_TAKEN)
                                ? new ImageCloudException(e.code(), "the copy is not listed yet", true, e)
                                : e);
            }
        });
    }

    private Optional<String> copyNamed(String region, String name) {
        return images(region, Json.object("AccountIds", List.of(account), "ImageNames", List.of(name))).stream()
                .map(CloudImage::id)
                .findFirst();
    }

    @Override
    public Future<Void> attachProductCode(String region, String imageId, String productCode) {
        return act(() -> {
            List<String> codes = new ArrayList<>(there(region, imageId).productCodes());
            if (!codes.contains(productCode)) {
                // The list given replaces the one there, which holds the operating system's code, too.
                codes.add(productCode);
                call(region, "UpdateImage", Json.object("ImageId", imageId, "ProductCodes", codes));
            }
        });
    }

    @Override
    public Future<Void> share(String region, String imageId, Set<String> accounts) {
        return act(() -> {
            Set<String> missing = new TreeSet<>(accounts);
            missing.removeAll(there(region, imageId).sharedWith());
            permissions(region, imageId, "Additions", missing);
        });
    }

    @Override
    public Future<Void> unshare(String region, String imageId, Set<String> accounts) {
        return act(() -> {
            Set<String> present = new TreeSet<>(accounts);
            present.retainAll(there(region, imageId).sharedWith());
            permissions(region, imageId, "Removals", present);
        });
    }

    private void permissions(String region, String imageId, String change, Set<String> accounts) {
        if (!accounts.isEmpty()) {
            Map<String, Object> who = Json.object("AccountIds", List.copyOf(accounts));
            call(
                    region,
                    "UpdateImage",
                    Json.object("ImageId", imageId, "PermissionsToLaunch", Json.object(change, who)));
        }
    }

    @Override
    public Future<Void> setPublic(String region, String imageId, boolean everybody) {
        return act(() -> {
            if (there(region, imageId).isPublic() != everybody) {
                call(
                        region,
                        "UpdateImage",
                        Json.object(
                                "ImageId",
                                imageId,
                                "PermissionsToLaunch",
                                Json.object(
                                        everybody ? "Additions" : "Removals", Json.object("GlobalPermission", true))));
            }
        });
    }

    /**
     * OUTSCALE leaves the snapshots of a deleted image, and then nothing says any more which they were. So they are tagged with
     * the image's id before it is deleted, and found by that afterwards, whoever comes back to it.
     */
    @Override
    public Future<Void> delete(String region, String imageId) {
        return act(() -> {
            pages(region, "ReadImages", "Images", Json.object("ImageIds", List.of(imageId)))
                    .forEach(image -> tagSnapshots(region, imageId, image));
            try {
                call(region, "DeleteImage", Json.object("ImageId", imageId));
            } catch (ImageCloudException e) {
                if (e.isRetryable() || image(region, imageId).isPresent()) {
                    throw e;
                }
            }
            ownSnapshots(region, Json.object("Tags", List.of(SNAPSHOT_TAG + "=" + imageId)))
                    .forEach(snapshot -> deleteSnapshot(region, snapshot));
        });
    }

    private void tagSnapshots(String region, String imageId, Map<String, Object> image) {
        List<String> behind = objects(image.get("BlockDeviceMappings")).stream()
                .map(m -> text(object(m.get("Bsu")), "SnapshotId"))
                .filter(s -> !s.isEmpty())
                .toList();
        // A snapshot may be another account's, as that of a seller's image is; and one of ours may be behind two
        // images.
        List<String> own = behind.isEmpty() || !text(image, "AccountId").equals(account)
                ? List.of()
                : ownSnapshots(region, Json.object("SnapshotIds", behind)).stream()
                        .filter(s -> pages(
                                                region,
                                                "ReadImages",
                                                "Images",
                                                Json.object("BlockDeviceMappingSnapshotIds", List.of(s)))
                                        .size()
                                == 1)
                        .toList();
        if (!own.isEmpty()) {
            List<Map<String, Object>> tags = List.of(Json.object("Key", SNAPSHOT_TAG, "Value", imageId));
            call(region, "CreateTags", Json.object("ResourceIds", own, "Tags", tags));
        }
    }

    private List<String> ownSnapshots(String region, Map<String, Object> filters) {
        filters.put("AccountIds", List.of(account));
        return pages(region, "ReadSnapshots", "Snapshots", filters).stream()
                .map(s -> text(s, "SnapshotId"))
                .toList();
    }

    /** The image is gone, so what is in the way of its snapshot goes, too: all but a missing right is worth another try. */
    private void deleteSnapshot(String region, String snapshotId) {
        try {
            call(region, "DeleteSnapshot", Json.object("SnapshotId", snapshotId));
        } catch (ImageCloudException e) {
            if (!ownSnapshots(region, Json.object("SnapshotIds", List.of(snapshotId)))
                    .isEmpty()) {
                boolean retryable = e.isRetryable() || !e.code().startsWith(DENIED);
                throw new ImageCloudException(e.code(), "snapshot " + snapshotId + " is left", retryable, e);
            }
        }
    }

    @Override
    public Future<Void> deprecate(String region, String imageId) {
        return Future.succeededFuture();
    }

    @Override
    public Future<Optional<CloudVm>> vm(String region, String instanceId) {
        return blocking.run(() -> {
            List<Map<String, Object>> vms =
                    objects(call(region, "ReadVms", Json.object("Filters", Json.object("VmIds", List.of(instanceId))))
                            .get("Vms"));
            return vms.isEmpty() ? Optional.empty() : Optional.of(vm(region, owner(region), vms.get(0)));
        });
    }

    @Override
    public Future<List<CloudVm>> running(String region, Set<String> productCodes) {
        List<String> codes = List.copyOf(new TreeSet<>(productCodes));
        return blocking.run(() -> {
            // By id: a VM may carry several of the codes.
            Map<String, Map<String, Object>> found = new HashMap<>();
            for (int from = 0; from < codes.size(); from += CODES_PER_REQUEST) {
                List<String> some = codes.subList(from, Math.min(codes.size(), from + CODES_PER_REQUEST));
                Map<String, Object> filters = Json.object("ProductCodes", some, "VmStateNames", List.of("running"));
                pages(region, "ReadVms", "Vms", filters).forEach(vm -> found.put(text(vm, "VmId"), vm));
            }
            String owner = found.isEmpty() ? "" : owner(region);
            return found.values().stream().map(vm -> vm(region, owner, vm)).toList();
        });
    }

    /** A VM does not say whose it is, and a key shows its own account's only. */
    private String owner(String region) {
        List<Map<String, Object>> owners =
                objects(call(region, "ReadAccounts", Map.of()).get("Accounts"));
        return owners.isEmpty() ? "" : text(owners.get(0), "AccountId");
    }

    private static CloudVm vm(String region, String owner, Map<String, Object> vm) {
        Map<String, String> tags = new HashMap<>();
        objects(vm.get("Tags")).forEach(t -> tags.put(text(t, "Key"), text(t, "Value")));
        return new CloudVm(
                text(vm, "VmId"),
                owner,
                region,
                text(vm, "ImageId"),
                text(vm, "VmType"),
                text(vm, "State"),
                strings(vm.get("ProductCodes")),
                tags);
    }

    private Optional<CloudImage> image(String region, String imageId) {
        return images(region, Json.object("ImageIds", List.of(imageId))).stream()
                .findFirst();
    }

    private CloudImage there(String region, String imageId) {
        return image(region, imageId)
                .orElseThrow(() ->
                        new ImageCloudException("InvalidResource/5023", "there is no image " + imageId, false, null));
    }

    private List<CloudImage> images(String region, Map<String, Object> filters) {
        return pages(region, "ReadImages", "Images", filters).stream()
                .map(i -> image(region, i))
                .toList();
    }

    /** All pages of a list. One that never ends is an error: half a list would pass for the whole. */
    private List<Map<String, Object>> pages(String region, String action, String name, Map<String, Object> filters) {
        List<Map<String, Object>> found = new ArrayList<>();
        String next = "";
        for (int page = 0; page < PAGES_MAX; page++) {
            Map<String, Object> answer = call(
                    region,
                    action,
                    next.isEmpty()
                            ? Json.object("Filters", filters, "ResultsPerPage", PAGE)
                            : Json.object("Filters", filters, "ResultsPerPage", PAGE, "NextPageToken", next));
            found.addAll(objects(answer.get(name)));
            next = text(answer, "NextPageToken");
            if (next.isEmpty()) {
                return found;
            }
        }
        throw new ImageCloudException("too-many-pages", action + " has more than " + PAGES_MAX + " pages", false, null);
    }

    private static CloudImage image(String region, Map<String, Object> image) {
        return new CloudImage(
                text(image, "ImageId"),
                region,
                text(image, "ImageName"),
                text(image, "AccountId"),
                state(text(image, "State")),
                text(object(image.get("StateComment")), "StateMessage"),
                strings(image.get("ProductCodes")),
                Set.copyOf(strings(object(image.get("PermissionsToLaunch")).get("AccountIds"))),
                Boolean.TRUE.equals(object(image.get("PermissionsToLaunch")).get("GlobalPermission")),
                time(text(image, "CreationDate")));
    }

    private static CloudImage.State state(String word) {
        return switch (word) {
            case "available" -> CloudImage.State.AVAILABLE;
            case "pending" -> CloudImage.State.PENDING;
            default -> CloudImage.State.FAILED;
        };
    }

    /** ISO 8601, with or without a colon in the offset. */
    private static Instant time(String text) {
        try {
            return OffsetDateTime.parse(text.replaceAll("([+-]\\d\\d)(\\d\\d)$", "$1:$2"))
                    .toInstant();
        } catch (DateTimeException e) {
            throw new ImageCloudException("unreachable", "a creation date of no known form: " + text, true, e);
        }
    }

    /** What OUTSCALE takes as a name, ending in the token: 3 to 128 letters, digits, spaces and {@code _()/.-}. */
    static String imageName(String name, String token) {
        String end =
                TOKEN.matcher(token).matches() ? token : Digests.sha256(token).substring(0, 40);
        String clean = name.replaceAll("[^a-zA-Z0-9_ ()/.\\-]", "-");
        return clean.substring(0, Math.min(clean.length(), NAME_CHARS_MAX - end.length() - 1)) + " " + end;
    }

    private Map<String, Object> call(String region, String action, Map<String, Object> parameters) {
        return api.call(region, key, action, parameters);
    }

    private Future<Void> act(Runnable effect) {
        return blocking.<Boolean>run(() -> {
                    effect.run();
                    return true;
                })
                .mapEmpty();
    }

    private static String text(Map<String, Object> object, String name) {
        Object value = object.get(name);
        return value == null ? "" : value.toString();
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(@Nullable Object value) {
        return value instanceof Map<?, ?> map ? (Map<String, Object>) map : Map.of();
    }

    private static List<Map<String, Object>> objects(@Nullable Object value) {
        return value instanceof List<?> list
                ? list.stream().map(OutscaleImageCloud::object).toList()
                : List.of();
    }

    private static List<String> strings(@Nullable Object value) {
        return value instanceof List<?> list
                ? list.stream().map(String::valueOf).toList()
                : List.of();
    }
}
