package io.tallystick.agent;

import io.tallystick.testkit.NeedsTool;
import java.util.List;

@NeedsTool("python3")
class PythonExampleTest extends ExampleContract {
    @Override
    List<String> command() {
        // -B: no compiled files beside the sources.
        return List.of(
                "python3", "-B", Example.folder().resolve("python/example.py").toString());
    }
}
