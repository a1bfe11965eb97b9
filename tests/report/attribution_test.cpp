#include "ulpscope/base/error.hpp"
#include "ulpscope/report/figures.hpp"
#include "ulpscope/report/page.hpp"
#include "ulpscope/report/table.hpp"

#include "sample.hpp"

using namespace ulpscope;
using namespace ulpscope::testing;

namespace {

json figures(double mean, double z) {
  return {{"mean_ulp", mean}, {"stderr_ulp", 0.01}, {"z", z}, {"rms_ulp", 0.3}};
}

json step(const std::string& name, double adds, double z) {
  return {{"name", name},
          {"step", "what <" + name + "> does"},
          {"increment", figures(adds, z)},
          {"exact_here", figures(-0.2, -20)},
          {"exact_elsewhere", figures(adds, z)}};
}

// O of head 3, to which `steps` steps lead: one brings -0.2 ulp, the others next to nothing.
json attribution(int steps) {
  json tensor{{"name", "o"},
              {"verdict", "store causes the bias"},
              {"biased", true},
              {"head", 3},
              {"kernel", figures(-0.2, -20)},
              {"everything_exact", figures(0, 0)},
              {"steps", json::array()}};
  for (int i = 0; i + 1 < steps; ++i) {
    tensor["steps"].push_back(step("s" + std::to_string(i), 0.0001, 0.5));
  }
  tensor["steps"].push_back(step("store", -0.2, -20));
  return {{"rows", {{"watched", 160}, {"equal_maxima", 120}, {"at_risk", 100}}},
          {"tensors", json::array({tensor})}};
}

json cures() {
  const json left{{"mean_ulp", 0.001}, {"stderr_ulp", 0.002}, {"z", 0.5}, {"spread_ulp", 0.4}};
  return {{"head", 3},
          {"before", left},
          {"treatments", json::array({{{"name", "stochastic store"},
                                       {"outcome", "removed"},
                                       {"left", left},
                                       {"all", left},
                                       {"biased_heads", 0},
                                       {"heads", 4},
                                       {"not_finite", 0}}})}};
}

json explained_summary(int steps) {
  json summary = small_summary();
  summary["verdict"]["causes"] = {"O is biased; cause: store & <co>."};
  summary["attribution"] = attribution(steps);
  summary["cures"] = cures();
  return summary;
}

}  // namespace

TEST_CASE("an explained page has its causes, the build-up and the cures, all tags closed") {
  const std::string page = html_report(explained_summary(5));
  CHECK(tag_complaint(page) == "");
  CHECK(contains(page, "<p class=\"cause\">O is biased; cause: store &amp; &lt;co&gt;.</p>"));
  CHECK(contains(page, "Which step brings the error in"));
  CHECK(contains(page, "What removes the bias of O, head 3"));
  CHECK(contains(page, "stochastic store"));
  CHECK(contains(page, "120 of 160; 100 of them at risk"));
  CHECK(page.find("Which step brings") < page.find("Rounding sites"));
}

TEST_CASE("the terminal says the cause, too") {
  CHECK(contains(text_summary(explained_summary(5)), "\nO is biased; cause: store & <co>."));
}

TEST_CASE("a page without an explanation has none of its sections") {
  const std::string page = html_report(small_summary());
  CHECK_FALSE(contains(page, "Which step brings the error in"));
  CHECK_FALSE(contains(page, "What removes the bias"));
}

TEST_CASE("an attribution alone is a page of its own") {
  json summary = small_summary();
  for (const char* key : {"sites", "outputs"}) summary.erase(key);
  summary["kind"] = "attribution";
  summary["attribution"] = attribution(3);
  const std::string page = html_report(summary);
  CHECK(tag_complaint(page) == "");
  CHECK(contains(page, "Which step brings the error in"));
  CHECK_FALSE(contains(page, "No rounding site was recorded"));
  summary.erase("attribution");
  CHECK_THROWS_AS(html_report(summary), Error);
}

TEST_CASE("every step is a line, and those that bring little share one") {
  const auto lines = [](int steps) {
    const Summary summary = parse_summary(explained_summary(steps));
    return build_up_figure(summary.attribution->tensors[0]).svg;
  };
  const std::string few = lines(5);
  CHECK(contains(few, ">s0<"));
  CHECK(contains(few, ">store<"));
  CHECK_FALSE(contains(few, "bring less"));
  const std::string many = lines(30);
  CHECK(contains(many, ">store<"));
  CHECK(contains(many, ">18 steps that bring less<"));
}

TEST_CASE("a build-up without a part is refused by its place") {
  json summary = explained_summary(2);
  summary["attribution"]["tensors"][0]["steps"][1].erase("increment");
  CHECK_THROWS_WITH_AS(parse_summary(summary),
                       doctest::Contains("attribution.tensors[0].steps[1].increment"), Error);
  summary = explained_summary(2);
  summary["cures"]["treatments"][0].erase("outcome");
  CHECK_THROWS_WITH_AS(parse_summary(summary), doctest::Contains("cures.treatments[0].outcome"),
                       Error);
}
