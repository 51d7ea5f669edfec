package io.tallystick.cloudsim;

import io.tallystick.common.json.Fields;
import io.tallystick.common.json.Json;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * An image: made of a VM, copied from another, or registered. A deleted one stays known, for the lineage of what was made
 * of it, and no API shows it.
 *
 * @param source the image it was copied from, or the one its VM was launched from
 * @param disk the folder with a copy of the disk as it was; not to be written to
 */
public record VmImage(
        String imageId,
        Cloud cloud,
        String accountId,
        String region,
        String name,
        String architecture,
        List<String> productCodes,
        List<String> billingProducts,
        Instant created,
        Optional<String> source,
        Life life,
        Access access,
        Map<String, String> tags,
        Path disk) {

    /** What an image can be seen in, by the simulation's clock. */
    public enum State {
        PENDING,
        AVAILABLE,
        FAILED,
        DEREGISTERED;

        /** As both clouds write it, for example {@code available}. */
        public String wire() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * How an image comes and goes.
     *
     * @param readyAt when a copy stops being pending
     * @param fails whether it is {@code failed} then
     * @param clientToken EC2's idempotency token of the request that made it
     */
    public record Life(
            Instant readyAt,
            boolean fails,
            boolean gone,
            Optional<Instant> deprecatedAt,
            Optional<String> clientToken) {
        static Life from(Instant readyAt) {
            return new Life(readyAt, false, false, Optional.empty(), Optional.empty());
        }

        Life withGone() {
            return new Life(readyAt, fails, true, deprecatedAt, clientToken);
        }

        Life withDeprecatedAt(Instant at) {
            return new Life(readyAt, fails, gone, Optional.of(at), clientToken);
        }
    }

    /** Who may launch it besides its owner. */
    public record Access(Set<String> accounts, boolean everyone) {
        static final Access PRIVATE = new Access(Set.of(), false);

        public Access {
            accounts = Collections.unmodifiableSet(new TreeSet<>(accounts));
        }
    }

    /** What a failed copy says for itself. */
    static final String FAILURE = "The copy failed because it was asked to";

    static final int SHARES_MAX = 10_000;
    private static final int PATH_CHARS_MAX = 4096;

    public VmImage {
        productCodes = List.copyOf(productCodes);
        billingProducts = List.copyOf(billingProducts);
        tags = Collections.unmodifiableMap(new TreeMap<>(tags));
    }

    public State state(Instant now) {
        if (life.gone()) {
            return State.DEREGISTERED;
        }
        if (now.isBefore(life.readyAt())) {
            return State.PENDING;
        }
        return life.fails() ? State.FAILED : State.AVAILABLE;
    }

    /** Whether this account may see and launch it, as far as permissions go. */
    boolean isFor(String account) {
        return access.everyone()
                || accountId.equals(account)
                || access.accounts().contains(account);
    }

    VmImage with(Life newLife) {
        return copy(productCodes, newLife, access, tags, disk);
    }

    VmImage with(Access newAccess) {
        return copy(productCodes, life, newAccess, tags, disk);
    }

    VmImage with(Path newDisk) {
        return copy(productCodes, life, access, tags, newDisk);
    }

    VmImage withCodes(List<String> newCodes) {
        return copy(newCodes, life, access, tags, disk);
    }

    VmImage withTags(Map<String, String> added) {
        Map<String, String> all = new TreeMap<>(tags);
        all.putAll(added);
        return copy(productCodes, life, access, all, disk);
    }

    private VmImage copy(
            List<String> newCodes, Life newLife, Access newAccess, Map<String, String> newTags, Path newDisk) {
        return new VmImage(
                imageId,
                cloud,
                accountId,
                region,
                name,
                architecture,
                newCodes,
                billingProducts,
                created,
                source,
                newLife,
                newAccess,
                newTags,
                newDisk);
    }

    /** With the state at this moment, for whoever reads it. */
    Map<String, Object> json(Instant now) {
        Map<String, Object> json = new LinkedHashMap<>(json());
        json.put("state", state(now).wire());
        return json;
    }

    Map<String, Object> json() {
        return Json.object(
                "imageId", imageId,
                "cloud", cloud.wire(),
                "accountId", accountId,
                "region", region,
                "name", name,
                "architecture", architecture,
                "productCodes", productCodes,
                "billingProducts", billingProducts,
                "created", created,
                "source", source.orElse(null),
                "readyAt", life.readyAt(),
                "fails", life.fails(),
                "gone", life.gone(),
                "deprecatedAt", life.deprecatedAt().orElse(null),
                "clientToken", life.clientToken().orElse(null),
                "sharedWith", List.copyOf(access.accounts()),
                "everyone", access.everyone(),
                "tags", tags,
                "disk", disk.toString());
    }

    static VmImage read(Fields f) {
        String id = f.string("imageId", VmInfo.TEXT_CHARS_MAX);
        Instant created = f.instant("created");
        f.optionalString("state", VmInfo.TEXT_CHARS_MAX);
        return new VmImage(
                id,
                f.optionalParsed("cloud", Cloud::ofWire).orElse(Cloud.AWS),
                f.string("accountId", VmInfo.TEXT_CHARS_MAX),
                f.string("region", VmInfo.TEXT_CHARS_MAX),
                f.optionalString("name", VmInfo.TEXT_CHARS_MAX).orElse(id),
                f.string("architecture", VmInfo.TEXT_CHARS_MAX),
                f.optionalStrings("productCodes", VmInfo.CODES_MAX, VmInfo.TEXT_CHARS_MAX),
                f.optionalStrings("billingProducts", VmInfo.CODES_MAX, VmInfo.TEXT_CHARS_MAX),
                created,
                f.optionalString("source", VmInfo.TEXT_CHARS_MAX),
                new Life(
                        f.optionalInstant("readyAt").orElse(created),
                        f.optionalBool("fails").orElse(false),
                        f.optionalBool("gone").orElse(false),
                        f.optionalInstant("deprecatedAt"),
                        f.optionalString("clientToken", VmInfo.TEXT_CHARS_MAX)),
                new Access(
                        Set.copyOf(f.optionalStrings("sharedWith", SHARES_MAX, VmInfo.TEXT_CHARS_MAX)),
                        f.optionalBool("everyone").orElse(false)),
                f.optionalStringMap("tags", VmInfo.TAGS_MAX, VmInfo.TEXT_CHARS_MAX, VmInfo.TEXT_CHARS_MAX),
                Path.of(f.string("disk", PATH_CHARS_MAX)));
    }
}
