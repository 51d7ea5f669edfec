package io.tallystick.aggregator.app;

import io.tallystick.aggregator.enrollment.evidence.AwsEvidenceVerifier;
import io.tallystick.aggregator.enrollment.evidence.TrustAnchors;
import io.tallystick.aggregator.enrollment.evidence.VerifiedIdentity;
import io.tallystick.common.error.Failure;
import io.tallystick.common.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Judges identity evidence outside the service, exactly as an enrollment would. Prints the verified identity as one line
 * of JSON to standard output (exit 0), or the refusal as one line of JSON to standard error (exit 1); wrong usage, files
 * that cannot be read and a bad trust folder are exit 2.
 */
@Command(
        name = "verify-identity",
        description = "Verifies a cloud's identity document and prints whom it proves.",
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "0:accepted, identity on standard output",
            "1:refused, reason on standard error",
            "2:wrong usage"
        })
public final class VerifyIdentityCommand implements Callable<Integer> {
    private static final int ACCEPTED = 0;
    private static final int REFUSED = 1;
    private static final String STDIN = "-";

    /** Clouds whose instances can prove themselves with a signature. */
    enum Cloud {
        aws
    }

    private final Clock clock;
    private final InputStream stdin;

    @Spec
    private @Nullable CommandSpec spec;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    private boolean help;

    @Option(names = "--cloud", required = true, description = "Whose document it is: ${COMPLETION-CANDIDATES}.")
    private @Nullable Cloud cloud;

    @Option(
            names = "--pkcs7",
            required = true,
            paramLabel = "FILE",
            description = "The signed document (base64, PEM or BER), - for standard input.")
    private @Nullable String pkcs7;

    @Option(
            names = "--document",
            paramLabel = "FILE",
            description = "The plain document; must equal the signed one. - for standard input.")
    private @Nullable String document;

    @Option(
            names = "--trust",
            paramLabel = "DIR",
            description = "Folder of <region>.pem that replace the shipped certificates of their regions.")
    private @Nullable Path trust;

    public VerifyIdentityCommand() {
        this(Clock.systemUTC(), System.in);
    }

    VerifyIdentityCommand(Clock clock, InputStream stdin) {
        this.clock = clock;
        this.stdin = stdin;
    }

    @Override
    public Integer call() {
        if (STDIN.equals(pkcs7) && STDIN.equals(document)) {
            throw usage("--pkcs7 and --document cannot both be standard input");
        }
        AwsEvidenceVerifier verifier = new AwsEvidenceVerifier(anchors());
        byte[] signed = read("--pkcs7", given(pkcs7));
        byte[] plain = document == null ? null : read("--document", document);
        try {
            VerifiedIdentity identity = verifier.verify(signed, plain);
            if (identity.certificateExpiry().isBefore(clock.instant())) {
                err().println("warning: the certificate of " + identity.region() + " ended at "
                        + identity.certificateExpiry() + "; its key is still trusted");
            }
            out().println(Json.write(identity.toJson()));
            return ACCEPTED;
        } catch (Failure refusal) {
            err().println(Json.write(refusalJson(refusal)));
            return REFUSED;
        } finally {
            out().flush();
            err().flush();
        }
    }

    private TrustAnchors anchors() {
        try {
            return trust == null ? TrustAnchors.shipped() : TrustAnchors.withFolder(trust);
        } catch (Failure e) {
            throw usage("--trust: "
                    + String.join(
                            System.lineSeparator() + "--trust: ",
                            e.problems().stream().map(Failure.Problem::toString).toList()));
        }
    }

    /** One byte beyond the cap is enough for the verifier to refuse the size. */
    private byte[] read(String option, String file) {
        int bytesMax = AwsEvidenceVerifier.INPUT_BYTES_MAX + 1;
        try {
            if (file.equals(STDIN)) {
                return stdin.readNBytes(bytesMax);
            }
            try (InputStream in = Files.newInputStream(Path.of(file))) {
                return in.readNBytes(bytesMax);
            }
        } catch (IOException | IllegalArgumentException e) {
            throw usage(option + ": cannot read " + file);
        }
    }

    private static Map<String, Object> refusalJson(Failure refusal) {
        List<Map<String, Object>> errors = refusal.problems().stream()
                .map(p -> Json.object("path", p.path(), "detail", p.detail()))
                .toList();
        return Json.object(
                "code", refusal.code().wire(),
                "rule", refusal.data().get("rule"),
                "detail", refusal.detail(),
                "errors", errors.isEmpty() ? null : errors);
    }

    private ParameterException usage(String message) {
        return new ParameterException(spec().commandLine(), message);
    }

    private PrintWriter out() {
        return spec().commandLine().getOut();
    }

    private PrintWriter err() {
        return spec().commandLine().getErr();
    }

    private CommandSpec spec() {
        return given(spec);
    }

    /** What picocli has set before it calls us. */
    private static <T> T given(@Nullable T value) {
        if (value == null) {
            throw new IllegalStateException("picocli has not set this");
        }
        return value;
    }
}
