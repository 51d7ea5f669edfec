package io.tallystick.aggregator.enrollment.evidence;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The keys that AWS signs identity documents with, by region: those shipped as resources, replaced region by region by a
 * folder of {@code <region>.pem}. Thread-safe; {@link #reload()} swaps the whole set at once, so a verification sees the
 * old set or the new one.
 *
 * <p>A region may have several anchors (one file, several certificates), which is how a change of key is lived through:
 * documents signed before and after it are both accepted.
 */
public final class TrustAnchors {
    /** AWS region names, for example {@code eu-west-2}, {@code us-gov-east-1}, {@code eusc-de-east-1}. */
    static final Pattern REGION = Pattern.compile("[a-z]{2,8}(-[a-z]{2,16}){1,3}-[0-9]{1,2}");

    /** Old key, new key, and room for a mistake in between. */
    static final int CERTIFICATES_PER_FILE_MAX = 4;

    static final int FILE_BYTES_MAX = 64 * 1024;

    private static final String RESOURCES = "/aws-rsa2048/";
    private static final Pattern PEM_CERTIFICATE =
            Pattern.compile("-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\\s]+)-----END CERTIFICATE-----");
    private static final Pattern PEM_ANYTHING = Pattern.compile("-----BEGIN ");
    private static final String PEM_SUFFIX = ".pem";

    private final @Nullable Path folder;
    private final SortedMap<String, List<TrustAnchor>> shipped;
    private volatile SortedMap<String, List<TrustAnchor>> current;

    private TrustAnchors(@Nullable Path folder) {
        this.folder = folder;
        this.shipped = readShipped();
        this.current = withFolder();
    }

    /** The anchors of this release. */
    public static TrustAnchors shipped() {
        return new TrustAnchors(null);
    }

    /**
     * The anchors of this release, overridden by a folder. Throws {@link Failure} naming every bad file at once; hidden
     * files are skipped, every other one has to be {@code <region>.pem}.
     */
    public static TrustAnchors withFolder(Path folder) {
        return new TrustAnchors(folder);
    }

    /** Reads the folder again. With a bad file, throws as {@link #withFolder(Path)} does and keeps the present set. */
    public void reload() {
        current = withFolder();
    }

    /** The anchors of a region, empty for a region without. */
    public List<TrustAnchor> of(String region) {
        return current.getOrDefault(region, List.of());
    }

    public SortedSet<String> regions() {
        return Collections.unmodifiableSortedSet(new TreeSet<>(current.keySet()));
    }

    /** All anchors in use, by region; what a gauge of the time left is made from. */
    public List<TrustAnchor> all() {
        return current.values().stream().flatMap(List::stream).toList();
    }

    /** The anchors whose certificate ends before the given time, to be warned about. They are still accepted. */
    public List<TrustAnchor> expiringBefore(Instant time) {
        return all().stream().filter(a -> a.expiry().isBefore(time)).toList();
    }

    private SortedMap<String, List<TrustAnchor>> withFolder() {
        if (folder == null) {
            return shipped;
        }
        SortedMap<String, List<TrustAnchor>> merged = new TreeMap<>(shipped);
        merged.putAll(readFolder(folder));
        return Collections.unmodifiableSortedMap(merged);
    }

    private static SortedMap<String, List<TrustAnchor>> readFolder(Path folder) {
        SortedMap<String, List<TrustAnchor>> found = new TreeMap<>();
        List<Failure.Problem> problems = new ArrayList<>();
        for (Path file : visibleFiles(folder)) {
            try {
                String region = regionOf(file);
                found.put(region, anchors(region, readFile(file)));
            } catch (IllegalArgumentException e) {
                problems.add(new Failure.Problem(file.toString(), String.valueOf(e.getMessage())));
            }
        }
        if (!problems.isEmpty()) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, problems);
        }
        return found;
    }

    private static List<Path> visibleFiles(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            // Hidden entries are how Kubernetes mounts a ConfigMap (..data), and editors leave them behind.
            return files.filter(f -> !nameOf(f).startsWith(".")).sorted().toList();
        } catch (IOException | UncheckedIOException e) {
            throw Failure.of(
                    ErrorCode.INVALID_REQUEST,
                    List.of(new Failure.Problem(folder.toString(), "must be a folder that can be read")));
        }
    }

    private static String regionOf(Path file) {
        String name = nameOf(file);
        String region = name.endsWith(PEM_SUFFIX) ? name.substring(0, name.length() - PEM_SUFFIX.length()) : "";
        if (!REGION.matcher(region).matches()) {
            throw new IllegalArgumentException("must be named <region>.pem, such as eu-west-2.pem");
        }
        return region;
    }

    private static String nameOf(Path file) {
        return String.valueOf(file.getFileName());
    }

    private static String readFile(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(FILE_BYTES_MAX + 1);
            if (bytes.length > FILE_BYTES_MAX) {
                throw new IllegalArgumentException("must have at most " + FILE_BYTES_MAX + " bytes");
            }
            return new String(bytes, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new IllegalArgumentException("cannot be read: " + e.getMessage(), e);
        }
    }

    /** Text around the certificates is allowed (openssl writes it), other PEM blocks are not. */
    private static List<TrustAnchor> anchors(String region, String pem) {
        List<TrustAnchor> anchors = new ArrayList<>();
        Matcher m = PEM_CERTIFICATE.matcher(pem);
        while (m.find()) {
            anchors.add(TrustAnchor.of(region, certificate(m.group(1))));
        }
        long blocks = PEM_ANYTHING.matcher(pem).results().count();
        if (anchors.isEmpty() || anchors.size() > CERTIFICATES_PER_FILE_MAX || anchors.size() != blocks) {
            throw new IllegalArgumentException("must hold 1 to " + CERTIFICATES_PER_FILE_MAX
                    + " PEM certificates and nothing else, has " + anchors.size() + " in " + blocks + " blocks");
        }
        return List.copyOf(anchors);
    }

    private static X509Certificate certificate(String base64) {
        try {
            byte[] der = Base64.getMimeDecoder().decode(base64);
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            X509Certificate certificate = (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der));
            if (certificate.getEncoded().length != der.length) {
                throw new IllegalArgumentException("has bytes after a certificate");
            }
            return certificate;
        } catch (CertificateException e) {
            throw new IllegalArgumentException("is no X.509 certificate: " + e.getMessage(), e);
        }
    }

    /** Built into the jar, so anything wrong here is a defect of the build and stops the process. */
    private static SortedMap<String, List<TrustAnchor>> readShipped() {
        SortedMap<String, List<TrustAnchor>> found = new TreeMap<>();
        for (String line : resource("index.txt").lines().toList()) {
            String[] part = line.split(" ", -1);
            List<TrustAnchor> anchors = anchors(part[0], resource(part[0] + PEM_SUFFIX));
            TrustAnchor only = anchors.get(0);
            if (anchors.size() != 1
                    || !only.sha256().equals(part[1])
                    || !only.expiry().equals(Instant.parse(part[2]))) {
                throw new IllegalStateException(RESOURCES + part[0] + PEM_SUFFIX + " is not what index.txt says");
            }
            found.put(part[0], anchors);
        }
        return Collections.unmodifiableSortedMap(found);
    }

    private static String resource(String name) {
        try (InputStream in = TrustAnchors.class.getResourceAsStream(RESOURCES + name)) {
            if (in == null) {
                throw new IllegalStateException("the resource " + RESOURCES + name + " is missing");
            }
            return new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
