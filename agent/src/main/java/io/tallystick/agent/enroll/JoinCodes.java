package io.tallystick.agent.enroll;

import io.tallystick.agent.metadata.Metadata;
import io.tallystick.common.wire.JoinCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Where a join code comes from: a file, or else a line of the VM's user data. Read when it is needed and kept nowhere: from
 * the first enrollment on, the agent's key is what proves it.
 */
public final class JoinCodes {
    /** A code and the end of its line have 75 bytes. */
    private static final int FILE_BYTES_MAX = 1024;

    private final Optional<Path> file;
    private final Metadata metadata;

    public JoinCodes(Optional<Path> file, Metadata metadata) {
        this.file = file;
        this.metadata = metadata;
    }

    /** Empty where nobody gave one. Throws {@link IOException} with a sentence that does not hold the code. */
    Optional<JoinCode> read() throws IOException {
        if (file.isEmpty() || !Files.exists(file.get())) {
            return metadata.joinCode();
        }
        if (Files.size(file.get()) > FILE_BYTES_MAX) {
            throw new IOException("join-code.file: " + file.get() + " holds more than a join code");
        }
        String text = Files.readString(file.get()).strip();
        if (text.isEmpty()) {
            return metadata.joinCode();
        }
        try {
            return Optional.of(JoinCode.parse(text));
        } catch (IllegalArgumentException e) {
            throw new IOException("join-code.file: " + file.get() + " " + e.getMessage(), e);
        }
    }
}
