package io.tallystick.cloudsim;

import io.tallystick.common.error.ErrorCode;
import io.tallystick.common.error.Failure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Instant;
import java.util.Base64;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The keys of a simulated AWS: for every region one self-signed certificate per {@link Form}, made when first asked
 * for, kept in a folder and read again after a restart. Like AWS's they are pinned trust anchors with one and the same
 * name, so that nothing but the key tells regions apart.
 *
 * <p>Signs any bytes it is given, so that tests can forge: what is signed need not be a sensible document. Private keys
 * are handed out for the same reason. Thread-safe.
 */
public final class CloudCa {
    /** The three families of certificates AWS publishes per region (marketplace reference 1.2). */
    public enum Form {
        /** For the {@code rsa2048} document; the only one worth trusting. */
        RSA2048("RSA", 2048, "SHA256withRSA"),
        /** For the bare {@code signature}. */
        RSA1024("RSA", 1024, "SHA256withRSA"),
        /** For the {@code pkcs7} document. */
        DSA1024("DSA", 1024, "SHA1withDSA");

        final String keyAlgorithm;
        final int keyBits;
        final String signatureAlgorithm;

        Form(String keyAlgorithm, int keyBits, String signatureAlgorithm) {
            this.keyAlgorithm = keyAlgorithm;
            this.keyBits = keyBits;
            this.signatureAlgorithm = signatureAlgorithm;
        }
    }

    private static final Pattern REGION = Pattern.compile("[a-z]{2}(-[a-z]{2,20}){1,3}-[1-9]");
    private static final int BASE64_LINE_CHARS = 64;
    private static final String LOCK = ".lock";
    /** A process takes a file's lock once, whoever of it asks. */
    private static final Object MAKING = new Object();

    private final Path folder;
    private final Clock clock;
    private final SecureRandom random = new SecureRandom();
    private final Map<String, RegionKey> keys = new HashMap<>();

    private CloudCa(Path folder, Clock clock) {
        this.folder = folder;
        this.clock = clock;
    }

    /** Keys live in this folder, which is made if missing. The clock gives signing times only. */
    public static CloudCa open(Path folder, Clock clock) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new CloudCa(folder, clock);
    }

    /** Whether this is written as AWS writes region names, for example {@code us-gov-west-1}. */
    public static boolean isRegion(String region) {
        return REGION.matcher(region).matches();
    }

    /** The RSA-2048 certificate that verifies this region's {@code rsa2048} documents. */
    public X509Certificate certificate(String region) {
        return certificate(region, Form.RSA2048);
    }

    public X509Certificate certificate(String region, Form form) {
        return key(region, form).certificate();
    }

    /** The region's RSA-2048 private key: for tests that forge. */
    public PrivateKey privateKey(String region) {
        return privateKey(region, Form.RSA2048);
    }

    public PrivateKey privateKey(String region, Form form) {
        return key(region, form).privateKey();
    }

    /** As {@link #signRsa2048(String, byte[], Instant)}, signed now. */
    public byte[] signRsa2048(String region, byte[] content) {
        return signRsa2048(region, content, clock.instant());
    }

    /**
     * What the {@code rsa2048} path serves before base64: PKCS#7 SignedData in indefinite-length BER with the content
     * embedded, no certificates, and SHA-256. The same arguments give the same bytes.
     */
    public byte[] signRsa2048(String region, byte[] content, Instant signingTime) {
        return PkcsSigner.sign(key(region, Form.RSA2048), Form.RSA2048, content, signingTime, true);
    }

    /** What the {@code pkcs7} path serves before base64: DSA-1024 over SHA-1. Other bytes at each call. */
    public byte[] signPkcs7(String region, byte[] content, Instant signingTime) {
        // The one real sample known to the marketplace reference has three signed attributes and no algorithm
        // protection; the real rsa2048 samples have it.
        return PkcsSigner.sign(key(region, Form.DSA1024), Form.DSA1024, content, signingTime, false);
    }

    /** What the {@code signature} path serves before base64: RSASSA-PKCS1-v1_5, SHA-256, detached, RSA-1024. */
    public byte[] signDetached(String region, byte[] content) {
        try {
            Signature signature = Signature.getInstance(Form.RSA1024.signatureAlgorithm);
            signature.initSign(privateKey(region, Form.RSA1024));
            signature.update(content);
            return signature.sign();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK signs with RSA", e);
        }
    }

    /** Base64 as the metadata service serves it: lines of {@value #BASE64_LINE_CHARS}, no armour, no end of line last. */
    public static String base64Lines(byte[] bytes) {
        return Base64.getMimeEncoder(BASE64_LINE_CHARS, new byte[] {'\n'}).encodeToString(bytes);
    }

    /**
     * Writes the region's RSA-2048 certificate as {@code <region>.pem} into a trust folder, which is made if missing;
     * that is how an aggregator is told to trust this cloud. Replaces the file whole, so a reader never sees half.
     */
    public Path writeTrust(Path trustFolder, String region) {
        String pem = RegionKey.pem(certificate(region));
        Path file = trustFolder.resolve(region + ".pem");
        FileStore.write(file, pem.getBytes(StandardCharsets.US_ASCII));
        return file;
    }

    private synchronized RegionKey key(String region, Form form) {
        if (!isRegion(region)) {
            throw Failure.of(ErrorCode.INVALID_REQUEST, "region: must be written like us-east-1");
        }
        String name = region + "-" + form.name().toLowerCase(Locale.ROOT) + ".pem";
        RegionKey key = keys.get(name);
        if (key == null) {
            key = kept(folder.resolve(name), form);
            keys.put(name, key);
        }
        return key;
    }

    /** The key of that file. Where clouds share a folder, of one process or several, the first makes it and the others wait. */
    private RegionKey kept(Path file, Form form) {
        if (Files.exists(file)) {
            return RegionKey.read(file);
        }
        synchronized (MAKING) {
            try (FileChannel lock = FileChannel.open(
                    Files.createDirectories(folder).resolve(LOCK),
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE)) {
                lock.lock();
                if (Files.exists(file)) {
                    return RegionKey.read(file);
                }
                RegionKey key = RegionKey.make(form, random);
                FileStore.writePrivate(file, key.pem().getBytes(StandardCharsets.US_ASCII));
                return key;
            } catch (IOException e) {
                throw new UncheckedIOException("the keys in " + folder + " cannot be kept", e);
            }
        }
    }
}
