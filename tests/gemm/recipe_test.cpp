#include "ulpscope/gemm/recipe.hpp"

#include "ulpscope/base/error.hpp"
#include "ulpscope/format/catalogue.hpp"

#include <doctest/doctest.h>

using namespace ulpscope;

TEST_SUITE("gemm recipes") {
  TEST_CASE("a recipe is found by its name, and an unknown name is answered by the list") {
    for (const auto& recipe : gemm_recipes()) CHECK(&gemm_recipe_named(recipe.name) == &recipe);
    CHECK_THROWS_WITH_AS(gemm_recipe_named("cublas"), doctest::Contains("cublaslt-e4m3-fast"),
                         Error);
  }

  TEST_CASE("only the slow e4m3 product begins its chain anew, every 128 products") {
    for (const auto& recipe : gemm_recipes()) {
      CHECK(recipe.group == (recipe.name == "cublaslt-e4m3" ? 128 : 0));
    }
  }

  TEST_CASE("scales belong to the e4m3 products") {
    for (const auto& recipe : gemm_recipes()) {
      CHECK((recipe.scales == TensorScales::one_product) == (recipe.input == e4m3fn));
    }
  }
}
