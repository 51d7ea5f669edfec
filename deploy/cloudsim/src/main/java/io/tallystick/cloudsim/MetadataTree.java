package io.tallystick.cloudsim;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * What the metadata service of one start of a VM knows, by path: marketplace reference 1.1 and 1.3. A path ending in a slash
 * lists its children, LF-separated, those with children of their own ending in a slash. What does not exist for this
 * VM (no product codes, tags not enabled) is not listed either.
 */
final class MetadataTree {
    /** Versions of the interface; each holds the same as {@code latest}, as far as it is simulated. */
    private static final List<String> VERSIONS = List.of(
            "1.0",
            "2007-01-19",
            "2007-03-01",
            "2007-08-29",
            "2007-10-10",
            "2007-12-15",
            "2008-02-01",
            "2008-09-01",
            "2009-04-04",
            "2011-01-01",
            "2011-05-01",
            "2012-01-12",
            "2014-02-25",
            "2014-11-05",
            "2015-10-20",
            "2016-04-19",
            "2016-06-30",
            "2016-09-02",
            "2018-03-28",
            "2018-08-17",
            "2018-09-24",
            "2019-10-01",
            "2020-10-27",
            "2021-01-03",
            "2021-03-23",
            "2021-07-15",
            "2022-07-09",
            "2022-09-24",
            "latest");

    /** The only root that OUTSCALE documents. */
    private static final List<String> OUTSCALE_VERSIONS = List.of("latest");

    private static final Pattern DATED = Pattern.compile("\\d{4}-\\d{2}-\\d{2}|1\\.0");

    /** Leaves by path without the version, for example {@code meta-data/placement/region}. */
    private final TreeMap<String, Supplier<byte[]>> leaves = new TreeMap<>();

    private final List<String> versions;

    private MetadataTree(VmInfo vm, List<String> versions) {
        this.versions = versions;
        VmIdentity identity = vm.identity();
        leaf("meta-data/ami-id", identity.imageId());
        leaf("meta-data/instance-id", identity.instanceId());
        leaf("meta-data/instance-type", identity.instanceType());
        leaf("meta-data/local-ipv4", identity.privateIp());
        leaf("meta-data/mac", identity.mac());
        leaf("meta-data/placement/availability-zone", identity.availabilityZone());
        leaf("meta-data/reservation-id", identity.reservationId());
        if (!identity.productCodes().isEmpty() && vm.options().productCodes()) {
            leaf("meta-data/product-codes", String.join("\n", identity.productCodes()));
        }
    }

    /** What this VM's cloud tells it; a document only where the cloud signs one. */
    static MetadataTree of(VmInfo vm, Optional<SignedDocument> document) {
        return switch (vm.identity().cloud()) {
            case AWS ->
                aws(vm, document.orElseThrow(() -> new IllegalStateException("AWS signs a document for every VM")));
            case OUTSCALE -> outscale(vm);
        };
    }

    private static MetadataTree aws(VmInfo vm, SignedDocument document) {
        MetadataTree tree = new MetadataTree(vm, VERSIONS);
        tree.leaf("meta-data/placement/region", vm.identity().region());
        if (vm.options().instanceTags()) {
            vm.tags().forEach((key, value) -> tree.leaf("meta-data/tags/instance/" + key, value));
        }
        tree.leaves.put("dynamic/instance-identity/document", document::content);
        tree.leaves.put("dynamic/instance-identity/signature", () -> utf8(document.signature()));
        tree.leaves.put("dynamic/instance-identity/pkcs7", () -> utf8(document.pkcs7()));
        tree.leaves.put("dynamic/instance-identity/rsa2048", () -> utf8(document.rsa2048()));
        return tree;
    }

    /** The documented categories, as far as they say something about a VM with one disk and one network card. */
    private static MetadataTree outscale(VmInfo vm) {
        MetadataTree tree = new MetadataTree(vm, OUTSCALE_VERSIONS);
        VmIdentity identity = vm.identity();
        String host = "ip-" + identity.privateIp().replace('.', '-') + "." + identity.region() + ".compute.internal";
        tree.leaf("meta-data/ami-launch-index", "0");
        tree.leaf("meta-data/block-device-mapping/ami", "/dev/sda1");
        tree.leaf("meta-data/block-device-mapping/root", "/dev/sda1");
        tree.leaf("meta-data/hostname", host);
        tree.leaf("meta-data/local-hostname", host);
        tree.leaf("meta-data/network/interfaces/macs/" + identity.mac() + "/device-number", "0");
        tree.leaf("meta-data/security-groups", "default");
        vm.tags().forEach((key, value) -> tree.leaf("meta-data/tags/" + key, value));
        return tree;
    }

    private void leaf(String path, String value) {
        leaves.put(path, () -> utf8(value));
    }

    /** The body at a path with its version, for example {@code /latest/meta-data/ami-id}; empty for 404. */
    Optional<byte[]> find(String path) {
        if (path.equals("/")) {
            return Optional.of(utf8(String.join("\n", versions)));
        }
        int end = path.indexOf('/', 1);
        if (!path.startsWith("/") || end < 0 || !versions.contains(path.substring(1, end))) {
            return Optional.empty();
        }
        String rest = path.substring(end + 1);
        if (rest.isEmpty() || rest.endsWith("/")) {
            List<String> children = children(rest);
            return children.isEmpty() ? Optional.empty() : Optional.of(utf8(String.join("\n", children)));
        }
        Supplier<byte[]> leaf = leaves.get(rest);
        if (leaf == null && versions == OUTSCALE_VERSIONS) {
            // Documented as `tags`, without a slash.
            return find(path + "/");
        }
        return Optional.ofNullable(leaf).map(Supplier::get);
    }

    /** Whether this asks for a token under a version's own path, which AWS forbids. */
    static boolean isDatedTokenPath(String path) {
        return path.endsWith("/api/token")
                && DATED.matcher(path.substring(1, path.length() - "/api/token".length()))
                        .matches();
    }

    private List<String> children(String folder) {
        List<String> children = new ArrayList<>();
        for (String path : leaves.tailMap(folder).keySet()) {
            if (!path.startsWith(folder)) {
                break;
            }
            int end = path.indexOf('/', folder.length());
            String child = path.substring(folder.length(), end < 0 ? path.length() : end + 1);
            if (!children.contains(child)) {
                children.add(child);
            }
        }
        return children;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
