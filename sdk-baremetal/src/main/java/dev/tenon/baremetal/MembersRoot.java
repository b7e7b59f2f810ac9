package dev.tenon.baremetal;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;

/**
 * Where one set of members lies: the durable ones of a control plane, or the throw-away ones of a JVM.
 *
 * @param path holds {@code members/} and {@code trash/}
 * @param runs holds what members lose at a stop, under a path short enough for sockets
 * @param tag short name of this root, so that members of several control planes never meet outside of it
 * @param durable whether its members outlive the JVM
 */
record MembersRoot(Path path, Path runs, String tag, boolean durable) {
    static MembersRoot of(Path path, Path runtime, boolean durable) {
        String tag = HexFormat.of()
                .formatHex(TreeManifest.sha256().digest(path.toString().getBytes(StandardCharsets.UTF_8)), 0, 4);
        return new MembersRoot(path, runtime.resolve(tag), tag, durable);
    }

    Path members() {
        return path.resolve("members");
    }

    Path trash() {
        return path.resolve("trash");
    }

    Path home(String externalName) {
        return members().resolve(externalName);
    }

    Path run(String externalName) {
        return runs.resolve(externalName);
    }

    /** Names a member's control groups. */
    String group(String externalName) {
        return tag + "-" + externalName;
    }
}
