package io.tallystick.agent.metadata;

import java.io.IOException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;

/** A metadata service whose first reading begins at once, beside whatever else a start has to do. */
public final class EarlyReading implements MetadataService {
    private final MetadataService service;
    private @Nullable FutureTask<Identity> first;

    /** @param service asked by another thread until the first {@link #read} is over, and not by the caller meanwhile */
    public EarlyReading(MetadataService service) {
        this.service = service;
        FutureTask<Identity> task = new FutureTask<>(service::read);
        this.first = task;
        Thread thread = new Thread(task, "metadata");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public Identity read() throws IOException {
        FutureTask<Identity> task = first;
        if (task == null) {
            return service.read();
        }
        first = null;
        try {
            return task.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException io) {
                throw io;
            }
            if (e.getCause() instanceof RuntimeException r) {
                throw r;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("stopping", e);
        }
    }
}
