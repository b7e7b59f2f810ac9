package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import dev.tenon.spi.workload.FileSpec;
import dev.tenon.spi.workload.InitialiseStep;
import dev.tenon.spi.workload.MemberWorkload;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/** Makes a member's directories and files true. */
final class Preparation {
    /** Beside the directories that came from a template: what is needed to use them again. */
    private static final String MADE = "made";

    private final RunAs runAs;
    private final Templates templates;
    private final Spares durableSpares;
    private final Spares ephemeralSpares;
    private final SpareKeeper keeper;

    Preparation(RunAs runAs, Templates templates, Spares durableSpares, Spares ephemeralSpares, SpareKeeper keeper) {
        this.runAs = runAs;
        this.templates = templates;
        this.durableSpares = durableSpares;
        this.ephemeralSpares = ephemeralSpares;
        this.keeper = keeper;
    }

    /** Fills a fresh member's directories: copies what can be shared, runs the rest of its initialise steps. */
    void fill(Member member, MemberRecord content, MemberWorkload workload, Rendering rendering) throws IOException {
        List<InitialiseStep> shared = Templates.shared(workload);
        boolean durable = !workload.ephemeral();
        if (!shared.isEmpty()) {
            String key = Templates.key(content.softwareKey(), runAs, shared);
            Templates.Prepared template = templates.ensure(key, shared, rendering.softwareHome());
            place(template, durable, member, content);
        }
        makeDirectories(content, false);
        for (InitialiseStep step : workload.initialise()
                .subList(shared.size(), workload.initialise().size())) {
            List<Path> inputs = writeInputs(content, step, rendering);
            try {
                templates.runStep(step, rendering);
            } finally {
                for (Path input : inputs) {
                    Files.deleteIfExists(input);
                }
            }
        }
        if (durable) {
            // Its own entries are synced with the record that completes it.
            Disk.syncDirectory(member.root().members());
        }
    }

    private void place(Templates.Prepared template, boolean durable, Member member, MemberRecord content)
            throws IOException {
        Spares spares = durable ? durableSpares : ephemeralSpares;
        Path made = member.home().resolve(MADE);
        spares.provide(template, durable, made);
        for (String part : template.parts().keySet()) {
            Files.move(made.resolve(part), content.path(part));
        }
        keeper.want(spares, template, durable);
    }

    /**
     * Fills directories of an incomplete member with a copy of the template that another member's began as.
     *
     * @return whether both would be copies of one template; if not, nothing has changed
     */
    boolean fillAlike(Member member, MemberRecord content, Set<String> filled, Member other) throws IOException {
        Path note = other.home().resolve(MADE).resolve(Spares.ORIGIN);
        if (Files.notExists(note)) {
            return false;
        }
        Optional<Templates.Prepared> template =
                templates.find(Files.readAllLines(note).get(0));
        if (template.isEmpty() || !template.get().parts().keySet().equals(filled)) {
            return false;
        }
        Disk.deleteTree(member.home().resolve(MADE));
        for (String part : filled) {
            Disk.deleteTree(content.path(part));
        }
        place(template.get(), member.root().durable(), member, content);
        return true;
    }

    /**
     * Gives what was copied from a template back, so that the next member need not wait for a copy.
     *
     * @return whether it was wanted; if not, it goes with the rest of the home
     */
    boolean giveBack(Member member) throws IOException {
        Path made = member.home().resolve(MADE);
        Path note = made.resolve(Spares.ORIGIN);
        if (Files.notExists(note)) {
            return false;
        }
        List<String> lines = Files.readAllLines(note);
        for (String part : lines.subList(1, lines.size())) {
            Path directory = member.home().resolve(part);
            if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
                return false;
            }
            Files.move(directory, made.resolve(part));
        }
        return (member.root().durable() ? durableSpares : ephemeralSpares).giveBack(lines.get(0), made);
    }

    /** What a member was copied from is no longer in it. */
    void forgetOrigin(Member member) throws IOException {
        Disk.deleteTree(member.home().resolve(MADE));
    }

    /**
     * Makes directories that are missing and checks those that are there.
     *
     * @param dataExpected whether only what a restart of the machine may lose can be missing
     */
    void makeDirectories(MemberRecord content, boolean dataExpected) throws IOException {
        for (Map.Entry<String, String> d : content.directories().entrySet()) {
            Path path = Path.of(d.getValue());
            if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
                runAs.check(path);
                continue;
            }
            Path parent = Objects.requireNonNull(path.getParent());
            boolean mayBeLost = !parent.equals(Path.of(content.home()));
            if (dataExpected && !mayBeLost) {
                throw Failures.of(
                        ErrorCode.PROVIDER_FAILED,
                        path + " is missing. Put it back or restore the instance from a backup.");
            }
            Disk.makeDirectories(parent, 0711);
            Files.createDirectory(path, Disk.mode(0700));
            runAs.own(path);
        }
    }

    /** Writes the files that differ and returns what their change asks for. */
    Set<FileSpec.OnChange> writeFiles(MemberRecord content, MemberWorkload workload, Rendering rendering)
            throws IOException {
        Set<FileSpec.OnChange> changes = EnumSet.noneOf(FileSpec.OnChange.class);
        for (FileSpec file : workload.files()) {
            Path target = target(content, file);
            byte[] wanted = rendering.text(file.content()).getBytes(StandardCharsets.UTF_8);
            if (!same(target, wanted, file.mode())) {
                // Not synced: whatever a power failure takes is written again by the next prepare, which compares.
                Disk.replace(target, wanted, file.mode(), false, runAs, true);
                changes.add(file.onChange());
            }
        }
        return changes;
    }

    /** Writes what a step's command reads; it may hold secrets and goes as soon as the command ends. */
    private List<Path> writeInputs(MemberRecord content, InitialiseStep step, Rendering rendering) throws IOException {
        List<Path> written = new ArrayList<>();
        for (FileSpec input : step.inputs()) {
            Path target = target(content, input);
            written.add(target);
            byte[] bytes = rendering.text(input.content()).getBytes(StandardCharsets.UTF_8);
            Disk.replace(target, bytes, input.mode(), false, runAs, true);
        }
        return written;
    }

    private Path target(MemberRecord content, FileSpec file) throws IOException {
        Path target = content.target(file);
        makeParents(content.path(file.directory()), Objects.requireNonNull(target.getParent()));
        return target;
    }

    private void makeParents(Path directory, Path parent) throws IOException {
        if (parent.equals(directory) || Files.isDirectory(parent, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        makeParents(directory, Objects.requireNonNull(parent.getParent()));
        Files.createDirectory(parent, Disk.mode(0700));
        runAs.own(parent);
    }

    private boolean same(Path file, byte[] wanted, int mode) throws IOException {
        try {
            Map<String, Object> seen = Files.readAttributes(file, "unix:mode,uid,size", LinkOption.NOFOLLOW_LINKS);
            int type = (Integer) Objects.requireNonNull(seen.get("mode"));
            return (type & 0170000) == 0100000
                    && (type & 0777) == mode
                    && (Integer) Objects.requireNonNull(seen.get("uid"))
                            == runAs.user().uid()
                    && (Long) Objects.requireNonNull(seen.get("size")) == wanted.length
                    && Arrays.equals(Files.readAllBytes(file), wanted);
        } catch (java.nio.file.NoSuchFileException e) {
            return false;
        }
    }
}
