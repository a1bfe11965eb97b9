#include "ulpscope/attention/casts.hpp"

#include "ulpscope/base/error.hpp"

#include <string>
#include <type_traits>

#include <doctest/doctest.h>

using namespace ulpscope;

namespace {

std::string refusal(std::string_view text) {
  try {
    parse_override(text);
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    return error.what();
  }
  return "accepted";
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// What `with_cast` makes of a register.
Stored cast_register(const Cast& cast, uint32_t bits) {
  Stored stored{};
  with_cast(cast, [&](auto verb) {
    CHECK(verb.format() == cast.format);
    CHECK(verb.mode() == cast.rounding.mode);
    if constexpr (std::is_same_v<decltype(verb), DrawnCast>) {
      stored = verb(register_value(bits), {});
    } else {
      stored = verb(register_value(bits));
    }
  });
  return stored;
}

}  // namespace

TEST_CASE("an override names a site, a format and a mode") {
  const SiteOverride a = parse_override("probability_cast=e4m3fn:rz");
  CHECK(a.site == Site::probability_cast);
  CHECK(a.cast == Cast{e4m3fn, toward_zero});
  const SiteOverride b = parse_override("row_sum=e5m7:rne:sat");
  CHECK(b.cast == Cast{ieee_like(5, 7), saturating(nearest_even)});
}

TEST_CASE("the mode of an override is nearest even unless it says otherwise") {
  CHECK(parse_override("output_store=fp32").cast == Cast{fp32, nearest_even});
}

TEST_CASE("a site may be exact, and then has no format or mode of its own") {
  const SiteOverride exact = parse_override("scores=exact");
  CHECK(exact.site == Site::scores);
  CHECK(exact.cast == exact_cast);
  CHECK_FALSE(exact.cast == Cast{fp32, nearest_even});
  CHECK(contains(refusal("scores=exact:rz"), "exact"));
  with_cast(exact.cast, [&](auto verb) {
    constexpr bool is_exact = std::is_same_v<decltype(verb), ExactCast>;
    CHECK(is_exact);
    if constexpr (is_exact) CHECK(verb(register_value(0x3F80'0001)).value == 0x3F80'0001);
  });
}

TEST_CASE("an override that cannot be understood says which part") {
  CHECK(contains(refusal("probability_cast"), "SITE=FORMAT"));
  CHECK(contains(refusal(""), "SITE=FORMAT"));
  CHECK(contains(refusal("softmax=bf16"), "unknown site 'softmax'"));
  CHECK(contains(refusal("softmax=bf16"), "probability_cast"));
  CHECK(contains(refusal("=bf16"), "unknown site ''"));
  CHECK(contains(refusal("scores=bf17"), "bf17"));
  CHECK(contains(refusal("scores="), "format"));
  CHECK(contains(refusal("scores=bf16:nearest"), "nearest"));
  CHECK(refusal("scores=bf16:") != "accepted");
  CHECK(refusal("Scores=bf16") != "accepted");
  CHECK(refusal("scores=bf16:rne:sat:x") != "accepted");
}

TEST_CASE("a format that binary32 does not hold is refused") {
  for (const auto* text : {"scores=fp64", "scores=e9m3", "scores=e8m24"}) {
    CHECK(contains(refusal(text), "binary32"));
  }
  CHECK(refusal("scores=e8m23") == "accepted");
}

TEST_CASE("every site of a fresh map is binary32, to nearest even") {
  PrecisionMap map;
  for (const SiteRow& row : site_table) CHECK(map[row.site] == Cast{fp32, nearest_even});
  map[Site::lse] = {bf16, upward};
  CHECK(map[Site::lse] == Cast{bf16, upward});
  CHECK(map[Site::row_sum] == Cast{fp32, nearest_even});
}

TEST_CASE("compiled-in and run-time casts give the same registers") {
  for (const Format& f : {fp32, bf16, fp16, e4m3fn, ieee_like(5, 7)}) {
    for (const Rounding r : {nearest_even, toward_zero, saturating(nearest_even)}) {
      for (const uint32_t bits : {0x3F80'8000u, 0xC096'8717u, 0x0000'0001u, 0x7F7F'FFFFu,
                                  0x8000'0000u, 0x3300'0000u, 0x47FF'F000u}) {
        const Stored fixed = cast_register({f, r}, bits);
        const Stored any = AnyCast{{f, r}}(register_value(bits));
        CHECK(fixed.value == any.value);
        CHECK(fixed.residue == any.residue);
        CHECK(fixed.flags == any.flags);
      }
    }
  }
}

TEST_CASE("a cast keeps the value as a binary32 number") {
  CHECK(cast_register({bf16, nearest_even}, 0xC096'8717).value == 0xC097'0000);
  CHECK(cast_register({e4m3fn, nearest_even}, 0x43E9'0000).value == gpu_nan);  // 466: beyond 448
  CHECK(cast_register({e4m3fn, saturating(nearest_even)}, 0x43E9'0000).value == 0x43E0'0000);
  CHECK(cast_register({fp16, nearest_even}, 0x3380'0000).value == 0x3380'0000);  // 2^-24
  CHECK(cast_register({fp16, nearest_even}, 0x7F80'0000).value == 0x7F80'0000);
}

TEST_CASE("a NaN in a register is always the one of the GPU") {
  for (const Format& f : {fp32, bf16, fp16, e4m3fn, e5m2}) {
    for (const uint32_t nan : {0x7FC0'0000u, 0xFFFF'FFFFu, 0x7F80'0001u}) {
      CHECK(cast_register({f, nearest_even}, nan).value == gpu_nan);
    }
  }
}

TEST_CASE("codes of registers are those of the format, and all ones for NaN") {
  CHECK(code_of(bf16, 0xC097'0000) == 0xC097);
  CHECK(code_of(fp16, 0x3380'0000) == 0x0001);
  CHECK(code_of(e4m3fn, 0x43E0'0000) == 0x7E);
  CHECK(code_of(fp32, 0x8000'0000) == 0x8000'0000);
  CHECK(code_of(bf16, 0xFFC0'0000) == 0x7FFF);
  CHECK(code_of(fp16, gpu_nan) == 0x7FFF);
  CHECK(code_of(e4m3fn, gpu_nan) == 0x7F);
  CHECK(code_of(fp32, 0x7FC0'0000) == gpu_nan);
  constexpr Format e2m1{2, 1, 1, Infinity::absent, Nan::none};
  CHECK(code_of(e2m1, gpu_nan) == 7);
}

TEST_CASE("a stochastic rounding takes both neighbours, by its element alone") {
  const SiteOverride drawn = parse_override("output_store=bf16:sr16");
  CHECK(mode_name(drawn.cast) == "sr16a");
  const DrawnCast verb{drawn.cast};
  // 1 + 2^-9: a quarter of the way to the next number of bf16.
  int up = 0;
  for (uint64_t element = 0; element < 4096; ++element) {
    const Draw draw{.seed = 1, .site = 3, .element = element};
    const Stored stored = verb(register_value(0x3F80'4000), draw);
    CHECK(stored.value == verb(register_value(0x3F80'4000), draw).value);
    CHECK((stored.value == 0x3F80'0000 || stored.value == 0x3F81'0000));
    up += stored.value == 0x3F81'0000 ? 1 : 0;
  }
  // Mean 1024, standard deviation 28: a bound of five.
  CHECK(up > 884);
  CHECK(up < 1164);
  CHECK(contains(refusal("dq_store=bf16:sr16"), "forward"));
}
