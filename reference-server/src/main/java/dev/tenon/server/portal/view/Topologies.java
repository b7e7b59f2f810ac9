package dev.tenon.server.portal.view;

import dev.tenon.api.InstanceView;
import dev.tenon.api.Member;
import java.util.ArrayList;
import java.util.List;

/** Where the boxes of an instance's picture go. */
public final class Topologies {
    private static final int WIDTH = 230;
    private static final int HEIGHT = 84;
    private static final int GAP = 24;

    /**
     * One member's box.
     *
     * @param member the member
     * @param x left edge
     * @param y upper edge
     * @param look how its state looks
     */
    public record Box(Member member, int x, int y, Looks.Look look) {
        /** Returns whether clients' writes go here. */
        public boolean primary() {
            return member.role().equals("primary");
        }
    }

    /**
     * The picture.
     *
     * @param boxes members, the primary first
     * @param height of the picture
     * @param entryY where the clients' line begins
     */
    public record Picture(List<Box> boxes, int height, int entryY) {}

    private Topologies() {}

    /** Lays an instance's members out: the primary at the left, all others in a column at its right. */
    public static Picture of(InstanceView view) {
        List<Member> primaries =
                view.members().stream().filter(m -> m.role().equals("primary")).toList();
        List<Member> others =
                view.members().stream().filter(m -> !m.role().equals("primary")).toList();
        if (primaries.isEmpty() && !others.isEmpty()) {
            primaries = others.subList(0, 1);
            others = others.subList(1, others.size());
        }
        int rows = Math.max(Math.max(primaries.size(), others.size()), 1);
        int height = rows * HEIGHT + (rows - 1) * GAP + 24;
        List<Box> boxes = new ArrayList<>();
        column(primaries, 250, height, boxes);
        column(others, 250 + WIDTH + 110, height, boxes);
        return new Picture(boxes, height, height / 2);
    }

    private static void column(List<Member> members, int x, int height, List<Box> into) {
        int total = members.size() * HEIGHT + (members.size() - 1) * GAP;
        int y = (height - total) / 2;
        for (Member member : members) {
            into.add(new Box(member, x, y, Looks.of(member)));
            y += HEIGHT + GAP;
        }
    }
}
