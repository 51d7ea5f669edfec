package io.tallystick.agent;

import io.tallystick.testkit.NeedsTool;
import java.util.List;

@NeedsTool("node")
class NodeExampleTest extends ExampleContract {
    @Override
    List<String> command() {
        return List.of("node", Example.folder().resolve("node/example.mjs").toString());
    }
}
