// SPDX-License-Identifier: Apache-2.0
//
// The one main of the unit tests. Boost.Test runs the cases; afterwards the skipped ones are listed with their reasons,
// and the last line sums up: "N passed, N failed, N skipped".
#define BOOST_TEST_NO_MAIN
#include <support/test_support.hpp>

#include <boost/test/results_collector.hpp>
#include <boost/test/tree/observer.hpp>

#include <cstddef>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

namespace {

namespace ut = boost::unit_test;

/// Counts the test cases of a run. A case fails when Boost says so; one that called skip_test and did not fail is skipped,
/// and so is one that is disabled in the source or that depends on one that failed. What the command line filters out is
/// not counted.
class tally final : public ut::test_observer {
public:
    void test_finish() override { finished_ = true; }
    /// After Boost's own observers (0 to 4): the first of them clears a flag that Boost 1.74 otherwise reads uninitialised,
    /// and may then refuse to run anything ("Test setup error").
    int priority() override { return 100; }
    void test_unit_finish(const ut::test_unit& unit, unsigned long) override {
        if (unit.p_type == ut::TUT_CASE) cases_.push_back({unit.p_id, unit.full_name()});
    }
    void test_unit_skipped(const ut::test_unit& unit, ut::const_string reason) override {
        const bool filtered_out = !unit.is_enabled() && unit.p_default_status != ut::test_unit::RS_DISABLED;
        if (unit.p_type != ut::TUT_CASE || filtered_out) return;
        test_support::skipped_tests().push_back({unit.full_name(), std::string(reason.begin(), reason.end())});
    }

    /// Called while the framework still holds its results.
    void add_up() {
        for (const auto& s : test_support::skipped_tests())
            skipped_[s.name] += (skipped_[s.name].empty() ? "" : "; ") + s.reason;
        for (const auto& c : cases_) {
            const bool ok = ut::results_collector.results(c.id).passed();
            if (!ok) {
                ++failed_;
                skipped_.erase(c.name);
            } else if (!skipped_.contains(c.name)) {
                ++passed_;
            }
        }
    }

    /// False where no test was to be run (--help, --list_content).
    [[nodiscard]] bool finished() const { return finished_; }
    void print() const {
        for (const auto& [name, reason] : skipped_) std::printf("skipped: %s: %s\n", name.c_str(), reason.c_str());
        std::printf("%zu passed, %zu failed, %zu skipped\n", passed_, failed_, skipped_.size());
        std::fflush(stdout);
    }

private:
    struct test_case {
        ut::test_unit_id id;
        std::string name;
    };
    std::vector<test_case> cases_;
    std::map<std::string, std::string> skipped_; // name -> reasons
    std::size_t passed_ = 0;
    std::size_t failed_ = 0;
    bool finished_ = false;
};

tally& counted() {
    static tally instance;
    return instance;
}

/// Boost tears its results down before unit_test_main returns; a global fixture runs while they still stand.
struct sum_up {
    void setup() {}
    void teardown() { counted().add_up(); }
};

bool init_unit_test() {
    ut::framework::register_observer(counted());
    return true;
}

} // namespace

BOOST_TEST_GLOBAL_FIXTURE(sum_up);

int main(int argc, char* argv[]) {
    const int status = ut::unit_test_main(&init_unit_test, argc, argv);
    if (counted().finished()) counted().print();
    return status;
}
