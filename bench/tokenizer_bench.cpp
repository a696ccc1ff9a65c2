// SPDX-License-Identifier: Apache-2.0
//
// How fast the tokenizer is on one thread: loading a folder, encoding and decoding, in processor time. Prints one JSON line.
//
//   tokenizer_bench DIR TEXTS.jsonl     one JSON string per line, encoded one after the other (without special tokens: with them the
//                                       template adds its tokens to every line, as Hugging Face does)
//   tokenizer_bench DIR --adversarial N runs of N equal characters and the like
#include <apertus/io/file.hpp>
#include <apertus/io/json.hpp>
#include <apertus/run/tokenizer_json.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace {

/// Processor time of the process, so that a busy machine does not count; nothing here runs on a second thread.
double now() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }
double seconds_since(double start) { return now() - start; }

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

std::string repeated(std::string_view unit, std::size_t bytes) {
    std::string text;
    while (text.size() + unit.size() <= bytes) text += unit;
    return text;
}

int adversarial(const apertus::tokenizer& tokens, std::size_t size) {
    for (const std::string_view unit : {"a",
                                        "A",
                                        " ",
                                        "\n",
                                        ".",
                                        "/",
                                        "1",
                                        "\xE3\x81\x82",
                                        "\xCC\x81",
                                        "\xD0\x90",
                                        "aA",
                                        "Aa",
                                        "ab",
                                        "<",
                                        "\xF0\x9F\x98\x80",
                                        " a",
                                        "\r\n",
                                        "abcdefghijklmnopqrstuvwxyz",
                                        "qzxjkvbw",
                                        "<|user_start|"}) {
        const std::string text = repeated(unit, size);
        const auto start = now();
        const std::size_t count = tokens.encode(text).size();
        apertus::json line{
            {"run", unit}, {"bytes", text.size()}, {"tokens", count}, {"encode_s", seconds_since(start)}};
        std::cout << line.dump() << '\n';
    }
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::cerr << "usage: tokenizer_bench DIR TEXTS.jsonl | DIR --adversarial N\n";
        return 2;
    }
    try {
        std::vector<double> load, encode, decode;
        for (int i = 0; i < 3; ++i) {
            const auto start = now();
            const apertus::tokenizer tokens = apertus::load_tokenizer(argv[1]);
            load.push_back(seconds_since(start));
        }
        const apertus::tokenizer tokens = apertus::load_tokenizer(argv[1]);
        if (std::strcmp(argv[2], "--adversarial") == 0) {
            return adversarial(tokens, argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1000000);
        }
        std::vector<std::string> texts;
        std::ifstream file(argv[2]);
        std::size_t bytes = 0;
        for (std::string line; std::getline(file, line);) {
            texts.push_back(apertus::parse_json(line, argv[2]).get<std::string>());
            bytes += texts.back().size();
        }
        std::size_t count = 0, decoded = 0;
        std::vector<std::vector<std::int32_t>> ids(texts.size());
        for (int round = 0; round < 5; ++round) {
            auto start = now();
            count = 0;
            for (std::size_t i = 0; i < texts.size(); ++i) {
                ids[i] = tokens.encode(texts[i]);
                count += ids[i].size();
            }
            encode.push_back(seconds_since(start));
            start = now();
            decoded = 0;
            for (const auto& row : ids) decoded += tokens.decode(row).size();
            decode.push_back(seconds_since(start));
        }
        const auto rate = [&](double s) { return static_cast<double>(bytes) / s / 1e6; };
        std::cout << apertus::json{{"texts", texts.size()},
                                   {"bytes", bytes},
                                   {"tokens", count},
                                   {"decoded_bytes", decoded},
                                   {"load_s", median(load)},
                                   {"encode_mb_per_s", rate(median(encode))},
                                   {"decode_mb_per_s", rate(median(decode))}}
                         .dump()
                  << '\n';
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
    return 0;
}
