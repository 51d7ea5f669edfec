package io.tallystick.agent.metadata;

import java.io.IOException;

/** Who this VM is, as its cloud tells it. Used by the main loop only. */
public interface MetadataService {
    /** Reads everything evidence needs. Throws {@link IOException} with a sentence where the service does not say. */
    Identity read() throws IOException;
}
