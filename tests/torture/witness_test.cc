// That the witness of the kills sees what it is there for.

#include "witness.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace {

// What the witness has to say of these lines; "" ends a life, "peace" ends one in peace, and "keep N" is a completed
// task of the store.
std::vector<std::string> complaints(std::initializer_list<std::string_view> lines) {
  Witness witness;
  for (const std::string_view line : lines) {
    if (line.empty()) {
      witness.life_ends();
    } else if (line == "peace") {
      witness.life_ends_in_peace();
    } else if (line.starts_with("keep ")) {
      witness.keeps(line.substr(5), true, 0);
    } else {
      witness.hear(line);
    }
  }
  witness.closes();
  return witness.complaints();
}

using Said = std::vector<std::string>;

TEST(Witness, HasNothingToSayOfALifeThatIsRight) {
  EXPECT_EQ(
      complaints({"intent 3", "ack 3", "start 3 0 1", "fail 3 0", "start 3 1 2", "effect 3 1", "done 3", "", "keep 3"}),
      Said{});
}

TEST(Witness, AllowsWhatWasInFlightToRunAgain) {
  EXPECT_EQ(complaints({"intent 1", "ack 1", "intent 2", "ack 2", "start 1 0 1", "effect 1 0", "start 2 1 1", "",
                        "start 1 1 1", "effect 1 1", "start 2 0 1", "effect 2 0", "", "keep 1", "keep 2"}),
            Said{});
}

TEST(Witness, KnowsThatAnEndInPeaceLeavesNothingInFlight) {
  EXPECT_EQ(complaints({"intent 1", "ack 1", "start 1 0 1", "stop 1 0", "peace", "start 1 0 1", "effect 1 0", "peace",
                        "keep 1"}),
            Said{});
  EXPECT_EQ(complaints(
                {"intent 1", "ack 1", "start 1 0 1", "effect 1 0", "peace", "start 1 0 1", "effect 1 0", "", "keep 1"}),
            Said{"life 2, task 1: ran again after it was completed in the store"});
  EXPECT_EQ(complaints({"intent 1", "stop 1 0", "peace"}), Said{"life 1, task 1: stopped without a start"});
}

TEST(Witness, AllowsWhatWasNotAcknowledgedToBeAnywhere) {
  EXPECT_EQ(complaints({"intent 1", "intent 2", "", "start 2 0 1", "effect 2 0", "", "keep 2"}), Said{});
}

TEST(Witness, SeesATaskThatWasLost) {
  EXPECT_EQ(complaints({"intent 1", "ack 1", "", ""}), Said{"life 3, task 1: was acknowledged, and the store lost it"});
  EXPECT_EQ(complaints({"intent 1", "start 1 0 1", "effect 1 0", ""}),
            Said{"life 2, task 1: ran, and the store lost it"});
  EXPECT_EQ(complaints({"intent 1", "ack 1", "", "keep 1"}), Said{"life 2, task 1: is completed, and never was"});
}

TEST(Witness, SeesAGhost) {
  EXPECT_EQ(complaints({"start 1 0 1"}), Said{"life 1, task 1: nobody asked for it: start 1 0 1"});
  EXPECT_EQ(complaints({"keep 1"}), Said{"life 1, task 1: is in the store, and nobody asked for it"});
}

TEST(Witness, SeesATaskThatRanAgainAfterItWasDone) {
  EXPECT_EQ(complaints({"intent 1", "ack 1", "start 1 0 1", "effect 1 0", "done 1", "", "start 1 0 1", "effect 1 0", "",
                        "keep 1"}),
            Said{"life 2, task 1: ran again after it was completed in the store"});
}

TEST(Witness, KnowsThatWhatAWorkerHandedOnBeforeIsInTheStore) {
  EXPECT_EQ(complaints({"intent 1", "ack 1", "intent 2", "ack 2", "start 1 0 1", "effect 1 0", "start 2 0 1",
                        "effect 2 0", "done 2", "", "start 1 1 1", "effect 1 1", "", "keep 1", "keep 2"}),
            Said{"life 2, task 1: ran again after it was completed in the store"});
}

TEST(Witness, KnowsThatAnAcknowledgementCoversWhatWasHandedOnBeforeItsIntent) {
  EXPECT_EQ(
      complaints({"intent 1",    "ack 1",      "intent 2", "ack 2",       "start 1 0 1", "effect 1 0",  "start 2 0 1",
                  "intent 3",    "ack 3",      "",         "start 1 1 1", "effect 1 1",  "start 2 1 1", "effect 2 1",
                  "start 3 1 1", "effect 3 1", "",         "keep 1",      "keep 2",      "keep 3"}),
      Said{"life 2, task 1: ran again after it was completed in the store"});
}

TEST(Witness, SeesATaskThatRunsTwiceInOneLife) {
  EXPECT_EQ(complaints({"intent 1", "ack 1", "start 1 0 1", "start 1 1 1", "effect 1 1", "keep 1"}),
            Said{"life 1, task 1: ran twice at a time"});
  EXPECT_EQ(complaints({"intent 1", "ack 1", "start 1 0 1", "effect 1 0", "start 1 1 1", "effect 1 1", "keep 1"}),
            Said{"life 1, task 1: ran again in the same life after it succeeded"});
}

TEST(Witness, SeesAFailureThatWasForgotten) {
  EXPECT_EQ(complaints({"intent 1", "ack 1", "start 1 0 1", "fail 1 0", "intent 2", "ack 2", "start 2 0 1",
                        "effect 2 0", "done 2", "", "start 1 0 1", "effect 1 0", "", "keep 1", "keep 2"}),
            Said{"life 2, task 1: forgot a failed attempt that was in the store"});
}

TEST(Witness, SeesWhatIsToldTooOftenOrTooSoon) {
  EXPECT_EQ(complaints({"intent 1", "start 1 0 1", "done 1", "effect 1 0", "keep 1"}),
            Said{"life 1, task 1: is done before its body was"});
  EXPECT_EQ(complaints({"intent 1", "start 1 0 1", "effect 1 0", "done 1", "done 1", "keep 1"}),
            Said{"life 1, task 1: was done twice"});
  EXPECT_EQ(complaints({"odd 0 sqlite: commit: no"}), Said{"life 1, task 0: said: odd 0 sqlite: commit: no"});
}

TEST(Witness, SeesTasksThatAreThereTwiceOrAreNotOver) {
  EXPECT_EQ(complaints({"intent 1", "start 1 0 1", "effect 1 0", "keep 1", "keep 1"}),
            Said{"life 1, task 1: is in the store twice"});
  Witness witness;
  witness.hear("intent 1");
  witness.keeps("1", false, 2);
  EXPECT_EQ(witness.complaints(), Said{"life 1, task 1: is not completed"});
}

}  // namespace
