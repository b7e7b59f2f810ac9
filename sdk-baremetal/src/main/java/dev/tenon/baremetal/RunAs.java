package dev.tenon.baremetal;

import dev.tenon.api.ErrorCode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The operating-system user of the members' processes, and how to become it.
 *
 * @param user whose processes and files they are
 * @param operator who we are
 * @param setpriv the program that drops privileges, where the machine has it
 */
record RunAs(User user, User operator, Optional<Path> setpriv) {
    /** Standard unprivileged users, best first. */
    private static final List<String> USUAL = List.of("tenon", "nobody");

    /** One line of the user database. */
    record User(String name, int uid, int gid) {}

    /**
     * Finds out who we are and who the members shall be.
     *
     * @param wanted name from the builder; only root may choose
     */
    static RunAs resolve(Optional<String> wanted, Path passwd, Optional<Path> setpriv) {
        try {
            int uid = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
            int gid = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:gid");
            List<User> known = read(passwd);
            User operator = known.stream()
                    .filter(u -> u.uid() == uid)
                    .findFirst()
                    .orElse(new User(System.getProperty("user.name", Integer.toString(uid)), uid, gid));
            return new RunAs(choose(wanted, known, operator), operator, setpriv);
        } catch (IOException e) {
            throw Failures.io("finding out the user of this process", e);
        }
    }

    private static User choose(Optional<String> wanted, List<User> known, User operator) {
        if (wanted.isPresent()) {
            User user = known.stream()
                    .filter(u -> u.name().equals(wanted.get()))
                    .findFirst()
                    .orElseThrow(() -> Failures.of(
                            ErrorCode.PROVIDER_FAILED,
                            "run-as user " + wanted.get() + " does not exist here. Create it, or name another."));
            if (user.uid() != operator.uid() && operator.uid() != 0) {
                throw Failures.of(
                        ErrorCode.PROVIDER_FAILED,
                        "only root can run members as " + user.name() + "; this process is " + operator.name());
            }
            return user;
        }
        if (operator.uid() != 0) {
            return operator;
        }
        return USUAL.stream()
                .flatMap(name -> known.stream().filter(u -> u.name().equals(name)))
                .findFirst()
                .orElseThrow(() -> Failures.of(
                        ErrorCode.PROVIDER_FAILED,
                        "root must not run a database, and there is no user " + String.join(" or ", USUAL)
                                + ". Create one, or name one with LocalDelivery.builder().runAs(…)."));
    }

    static List<User> read(Path passwd) throws IOException {
        List<User> users = new ArrayList<>();
        if (!Files.exists(passwd)) {
            return users;
        }
        for (String line : Files.readAllLines(passwd, StandardCharsets.ISO_8859_1)) {
            String[] f = line.split(":");
            if (f.length > 3 && f[2].matches("\\d{1,9}") && f[3].matches("\\d{1,9}")) {
                users.add(new User(f[0], Integer.parseInt(f[2]), Integer.parseInt(f[3])));
            }
        }
        return users;
    }

    /** Whether members run as somebody else than we. */
    boolean switches() {
        return user.uid() != operator.uid();
    }

    /** Returns what to put before a program so that it runs as the user and can never gain privileges again. */
    List<String> prefix(Optional<String> deathSignal) {
        if (setpriv.isEmpty()) {
            if (switches()) {
                throw Failures.of(
                        ErrorCode.SOFTWARE_MISSING,
                        "setpriv (package util-linux) is not on this machine; root needs it to run members as "
                                + user.name());
            }
            return List.of();
        }
        List<String> words = new ArrayList<>();
        words.add(setpriv.get().toString());
        if (switches()) {
            words.add("--reuid=" + user.uid());
            words.add("--regid=" + user.gid());
            words.add("--clear-groups");
        }
        words.add("--no-new-privs");
        deathSignal.ifPresent(signal -> words.add("--pdeathsig=" + signal));
        words.add("--");
        return words;
    }

    /** Gives a file or directory to the user; does not follow links. */
    void own(Path path) throws IOException {
        if (switches()) {
            Files.setAttribute(path, "unix:uid", user.uid(), LinkOption.NOFOLLOW_LINKS);
            Files.setAttribute(path, "unix:gid", user.gid(), LinkOption.NOFOLLOW_LINKS);
        }
    }

    /**
     * Checks that a directory is still the user's and nobody else's.
     *
     * @throws dev.tenon.api.ProviderException {@code WRONG_OWNER} with what to do
     */
    void check(Path directory) {
        try {
            int uid = (Integer) Files.getAttribute(directory, "unix:uid", LinkOption.NOFOLLOW_LINKS);
            int mode = (Integer) Files.getAttribute(directory, "unix:mode", LinkOption.NOFOLLOW_LINKS) & 07777;
            if (uid != user.uid()) {
                throw Failures.of(
                        ErrorCode.WRONG_OWNER,
                        directory + " belongs to user " + uid + ", expected " + user.name() + " (" + user.uid()
                                + "). Run: chown -R " + user.uid() + ":" + user.gid() + " " + directory);
            }
            if ((mode & 0077) != 0) {
                throw Failures.of(
                        ErrorCode.WRONG_OWNER,
                        directory + " has mode " + Integer.toOctalString(mode) + ", expected 700. Run: chmod 700 "
                                + directory);
            }
        } catch (IOException e) {
            throw Failures.io("looking at " + directory, e);
        }
    }

    /** Returns whether the user could walk down to this directory, so that its processes reach what lies in it. */
    boolean reaches(Path directory) throws IOException {
        if (!switches()) {
            return true;
        }
        for (Path p = directory; p != null; p = p.getParent()) {
            if (!Files.exists(p)) {
                continue;
            }
            int mode = (Integer) Files.getAttribute(p, "unix:mode");
            int uid = (Integer) Files.getAttribute(p, "unix:uid");
            int gid = (Integer) Files.getAttribute(p, "unix:gid");
            int bit = uid == user.uid() ? 0100 : gid == user.gid() ? 0010 : 0001;
            if ((mode & bit) == 0) {
                return false;
            }
        }
        return true;
    }
}
