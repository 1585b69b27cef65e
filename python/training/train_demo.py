#!/usr/bin/env python3
"""Trains the demo model of `models/demo`: a 1.4 M parameter Llama on the King James Bible.

Steps, each a sub-command that reads and writes one work folder, so that a step can be
repeated without the ones before it:

    prepare    dump the text, split it, train the tokenizer, encode the splits
    dense      train the dense model                                      -> dense.pt
    sparse     2:4 mask by magnitude, then fine-tune the weights it keeps  -> sparse24.pt
    export     write the Hugging Face folders, the tokenizer, valid.txt, figures and the log
    sample     continue a prompt with an exported model

    python train_demo.py prepare --work build/demo
    python train_demo.py dense   --work build/demo --bf16
    python train_demo.py sparse  --work build/demo --bf16
    python train_demo.py export  --work build/demo --out models/demo
    python train_demo.py sample  --model models/demo/sparse24 --prompt "In the beginning"

The text comes from the Debian package `bible-kjv` (its program `bible`); the King James text is
in the public domain. Shapes in the docstrings: B sequences, T positions, D = hidden_size,
V = vocab_size.
"""

import argparse
import contextlib
import json
import math
import re
import struct
import subprocess
import time
from pathlib import Path

import numpy as np
import sentencepiece as spm
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

UNK, BOS, EOS, FIRST_BYTE = 0, 1, 2, 3
WINDOW = 256  # positions the model was trained for, and the perplexity window

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 1024,
    "hidden_size": 192,
    "intermediate_size": 512,
    "num_hidden_layers": 3,
    "num_attention_heads": 6,
    "num_key_value_heads": 3,
    "head_dim": 32,
    "max_position_embeddings": WINDOW,
    "rope_theta": 10000.0,
    "rope_scaling": None,
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "attention_dropout": 0.0,
    "initializer_range": 0.02,
    "tie_word_embeddings": True,
    "bos_token_id": BOS,
    "eos_token_id": EOS,
    "torch_dtype": "float16",
}


# --- text ------------------------------------------------------------------------------------


def read_chapters():
    """The whole Bible as a list of chapters, each one paragraph: its verses, space-separated.

    Verse numbers are dropped: they would cost tokens and teach the model little.
    """
    dump = subprocess.run(
        ["bible", "-f", "gen1:1-rev22:21"], capture_output=True, text=True, check=True
    ).stdout
    chapters, current = [], None
    for line in dump.splitlines():
        reference, verse = line.split(" ", 1)
        chapter = reference.split(":")[0]
        if chapter != current:
            chapters.append([])
            current = chapter
        chapters[-1].append(re.sub(r" +", " ", verse).strip())
    return [" ".join(verses) for verses in chapters]


def split_chapters(chapters, block=4, period=33):
    """Deals out blocks of `block` chapters in a row: of each 33 blocks 31 train, 1 valid, 1 test.

    Whole blocks are held out, so a held-out chapter has few training neighbors that tell the
    same story; parallel passages elsewhere (Kings/Chronicles, the Gospels) remain.
    """
    splits = {"train": [], "valid": [], "test": []}
    held_out = {period // 2: "valid", period - 1: "test"}
    for index, chapter in enumerate(chapters):
        splits[held_out.get(index // block % period, "train")].append(chapter)
    return splits


def as_text(chapters):
    """One chapter a line; this exact text is what gets encoded."""
    return "".join(chapter + "\n" for chapter in chapters)


def demo_excerpt(chapters, limit=60_000):
    """Every other chapter, for variety, for as long as the text stays within `limit` bytes."""
    kept, size = [], 0
    for chapter in chapters[::2]:
        size += len(chapter.encode()) + 1
        if size > limit:
            break
        kept.append(chapter)
    return as_text(kept)


# --- tokenizer -------------------------------------------------------------------------------


def train_tokenizer(text_file, prefix):
    """SentencePiece BPE with byte fallback, ids: 0 <unk>, 1 <s>, 2 </s>, 3..258 bytes, pieces.

    No normalization at all: the C-style encoder that reads tokenizer.bin has none either.
    """
    spm.SentencePieceTrainer.train(
        input=str(text_file),
        model_prefix=str(prefix),
        model_type="bpe",
        vocab_size=CONFIG["vocab_size"],
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        add_dummy_prefix=True,
        unk_id=UNK,
        bos_id=BOS,
        eos_id=EOS,
        pad_id=-1,
        max_sentence_length=1 << 20,  # a line is a chapter, up to 13 kB; longer lines are skipped
        num_threads=1,
        minloglevel=1,
    )


def export_tokenizer(sp, path):
    """Writes llama2.c's tokenizer.bin: int32 longest piece in bytes, then for each id float32
    score, int32 length, bytes. Little-endian; '▁' becomes a space."""
    pieces = []
    for i in range(sp.vocab_size()):
        text = {BOS: "\n<s>\n", EOS: "\n</s>\n"}.get(i, sp.id_to_piece(i)).replace("▁", " ")
        pieces.append((sp.get_score(i), text.encode()))
    with open(path, "wb") as out:
        out.write(struct.pack("<i", max(len(data) for _, data in pieces)))
        for score, data in pieces:
            out.write(struct.pack("<fi", score, len(data)) + data)


class BinTokenizer:
    """llama2.c's encoder and decoder over tokenizer.bin, independent of SentencePiece."""

    def __init__(self, path):
        data, offset = Path(path).read_bytes(), 4
        self.pieces, self.scores = [], []
        while offset < len(data):
            score, length = struct.unpack_from("<fi", data, offset)
            self.pieces.append(data[offset + 8 : offset + 8 + length])
            self.scores.append(score)
            offset += 8 + length
        self.ids = {piece: i for i, piece in enumerate(self.pieces)}

    def encode(self, text):
        """Token ids of `text`, without BOS: a space is prepended, characters become tokens
        (bytes where the vocabulary lacks them), then the best-scored pair merges until none is
        left, leftmost first among equals. Quadratic: meant for checks, not for speed."""
        tokens = []
        for char in " " + text if text else "":
            data = char.encode()
            tokens += [self.ids[data]] if data in self.ids else [FIRST_BYTE + b for b in data]
        while True:
            best = None
            for i in range(len(tokens) - 1):
                merged = self.ids.get(self.pieces[tokens[i]] + self.pieces[tokens[i + 1]])
                if merged is not None and (best is None or self.scores[merged] > best[0]):
                    best = (self.scores[merged], i, merged)
            if best is None:
                return tokens
            tokens[best[1] : best[1] + 2] = [best[2]]

    def decode(self, tokens):
        """Text of `tokens`; BOS and EOS print nothing, one leading space is dropped."""
        data = b"".join(
            bytes([t - FIRST_BYTE]) if FIRST_BYTE <= t < FIRST_BYTE + 256 else self.pieces[t]
            for t in tokens
            if t not in (BOS, EOS)
        )
        return data.decode(errors="replace").removeprefix(" ")


def check_tokenizers_agree(sp, binary, text, limit=300):
    """Compares both encoders on the first `limit` sentences of `text`, and on odd inputs that
    need byte fallback; returns the number of strings compared."""
    sentences = re.split(r"(?<=[.?!]) ", text)[:limit]  # keeps the newlines between chapters
    odd = ["naïve Ω 漢字 🙂", "  two  spaces ", "tab\tand\nnewline\n", "[42] = {x}", "x"]
    for sentence in sentences + odd:
        assert sp.encode(sentence) == binary.encode(sentence), sentence
    return len(sentences) + len(odd)


# --- model -----------------------------------------------------------------------------------


def rope_tables(config):
    """cos and sin, each [T, head_dim], in the rotate-half convention (both halves alike)."""
    dim = config["head_dim"]
    frequencies = config["rope_theta"] ** (-torch.arange(0, dim, 2, dtype=torch.float32) / dim)
    angles = torch.outer(torch.arange(config["max_position_embeddings"]).float(), frequencies)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """Applies RoPE to x [B, heads, T, head_dim]."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


class Attention(nn.Module):
    """Causal self-attention; each K/V head serves num_attention_heads / num_key_value_heads
    consecutive query heads."""

    def __init__(self, config):
        super().__init__()
        dim, self.head_dim = config["hidden_size"], config["head_dim"]
        self.heads, self.kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
        self.q_proj = nn.Linear(dim, self.heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(dim, self.kv_heads * self.head_dim, bias=False)
        self.v_proj = nn.Linear(dim, self.kv_heads * self.head_dim, bias=False)
        self.o_proj = nn.Linear(self.heads * self.head_dim, dim, bias=False)

    def forward(self, x, cos, sin):
        """[B, T, D] -> [B, T, D]"""
        batch, length, _ = x.shape

        def by_head(y, heads):
            return y.view(batch, length, heads, self.head_dim).transpose(1, 2)

        q = rotate(by_head(self.q_proj(x), self.heads), cos, sin)
        k = rotate(by_head(self.k_proj(x), self.kv_heads), cos, sin)
        v = by_head(self.v_proj(x), self.kv_heads)
        repeat = self.heads // self.kv_heads
        k, v = k.repeat_interleave(repeat, dim=1), v.repeat_interleave(repeat, dim=1)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(y.transpose(1, 2).reshape(batch, length, -1))


class Mlp(nn.Module):
    """SwiGLU."""

    def __init__(self, config):
        super().__init__()
        dim, hidden = config["hidden_size"], config["intermediate_size"]
        self.gate_proj = nn.Linear(dim, hidden, bias=False)
        self.up_proj = nn.Linear(dim, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        dim, eps = config["hidden_size"], config["rms_norm_eps"]
        self.input_layernorm = nn.RMSNorm(dim, eps=eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = nn.RMSNorm(dim, eps=eps)
        self.mlp = Mlp(config)

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed_tokens = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))
        self.norm = nn.RMSNorm(config["hidden_size"], eps=config["rms_norm_eps"])


class Llama(nn.Module):
    """Parameter names are those of Hugging Face's LlamaForCausalLM with a tied head."""

    def __init__(self, config):
        super().__init__()
        self.model = Decoder(config)
        cos, sin = rope_tables(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        residual_scale = 1 / math.sqrt(2 * config["num_hidden_layers"])
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                # The two projections that write to the residual stream start smaller, so that
                # the stream's variance does not grow with depth.
                to_residual = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(parameter, std=0.02 * (residual_scale if to_residual else 1))

    def forward(self, tokens):
        """tokens [B, T] -> logits [B, T, V]"""
        length = tokens.shape[1]
        cos, sin = self.cos[:length], self.sin[:length]
        x = self.model.embed_tokens(tokens)
        for layer in self.model.layers:
            x = layer(x, cos, sin)
        return F.linear(self.model.norm(x), self.model.embed_tokens.weight)


# --- 2:4 sparsity ----------------------------------------------------------------------------


def is_sparse_weight(name):
    """The seven projections of a layer; embeddings, head and norms stay dense."""
    return name.endswith("_proj.weight")


def mask_2_4(weight):
    """Keeps the 2 largest magnitudes of each 4 consecutive inputs (the last axis); the lower
    index wins a tie. Returns a bool tensor shaped like `weight` [outputs, inputs]."""
    groups = weight.abs().reshape(-1, 4)
    order = groups.argsort(dim=1, descending=True, stable=True)
    mask = torch.zeros_like(groups, dtype=torch.bool).scatter_(1, order[:, :2], True)
    return mask.reshape(weight.shape)


def masks_of(model):
    return {n: mask_2_4(p.detach()) for n, p in model.named_parameters() if is_sparse_weight(n)}


@torch.no_grad()
def apply_masks(model, masks):
    for name, parameter in model.named_parameters():
        if name in masks:
            parameter.mul_(masks[name])


def check_2_4(tensors):
    """Asserts at most 2 non-zeros per 4 inputs in each projection; returns the zeros' share."""
    zeros = total = 0
    for name, weight in tensors.items():
        if is_sparse_weight(name):
            assert (weight.reshape(-1, 4) != 0).sum(dim=1).max() <= 2, name
            zeros, total = zeros + int((weight == 0).sum()), total + weight.numel()
    return zeros / total


# --- training --------------------------------------------------------------------------------


def sentence_starts(stream, binary):
    """Positions in `stream` [N] that follow a full stop and begin with a space, as text after
    the tokenizer's dummy prefix does."""
    ends = np.array([p.endswith((b".", b"?", b"!")) for p in binary.pieces])
    spaced = np.array([p.startswith(b" ") for p in binary.pieces])
    return np.flatnonzero(ends[stream[:-1]] & spaced[stream[1:]]) + 1


def sample_batch(stream, starts, batch, generator, bos_share=0.2):
    """Inputs and targets, each [batch, WINDOW], at random places of the training stream.

    A share of the windows is BOS and then a sentence from its beginning: that is what a prompt
    looks like. The rest starts anywhere, as the perplexity windows do.
    """
    rows = []
    for _ in range(batch):
        if generator.random() < bos_share:
            at = int(generator.choice(starts[starts < len(stream) - WINDOW]))
            rows.append(np.concatenate([[BOS], stream[at : at + WINDOW]]))
        else:
            at = int(generator.integers(len(stream) - WINDOW))
            rows.append(stream[at : at + WINDOW + 1])
    tokens = torch.from_numpy(np.stack(rows).astype(np.int64))
    return tokens[:, :-1], tokens[:, 1:]


def learning_rate(step, steps, warmup, peak, floor=0.02):
    """Linear warmup, then a cosine down to `floor` times the peak."""
    if step < warmup:
        return peak * (step + 1) / warmup
    progress = (step - warmup) / max(1, steps - warmup)
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress)))


def make_optimizer(model, weight_decay):
    """AdamW; only matrices decay, norms do not."""
    matrices = [p for p in model.parameters() if p.dim() == 2]
    vectors = [p for p in model.parameters() if p.dim() != 2]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), eps=1e-8)


def precision(args):
    """bfloat16 matrix products where asked for (much faster on CPUs that have them in hardware);
    weights and optimizer state are float32 always."""
    if args.bf16:
        return torch.autocast("cpu", dtype=torch.bfloat16)
    return contextlib.nullcontext()


def fit(model, optimizer, masks, args, log, save):
    """Runs `args.steps` steps; `masks` (may be empty) is applied after each."""
    stream = np.load(args.work / "train.npy")
    valid = np.load(args.work / "excerpt.npy")
    starts = sentence_starts(stream, BinTokenizer(args.work / "tokenizer.bin"))
    generator = np.random.default_rng(args.seed)
    began, losses = time.time(), []
    for step in range(args.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, args.steps, args.warmup, args.lr)
        inputs, targets = sample_batch(stream, starts, args.batch, generator)
        with precision(args):
            logits = model(inputs)
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        # The optimizer keeps dense state and moves pruned weights too; they go back to zero here.
        apply_masks(model, masks)
        losses.append(loss.item())
        done = step + 1
        if done % 100 == 0 or done == args.steps:
            line = f"step {done:5d}  loss {np.mean(losses):.4f}  {time.time() - began:6.0f} s"
            losses = []
            if done % 500 == 0 or done == args.steps:
                line += f"  perplexity of valid.txt {perplexity(model, valid)[0]:.3f}"
                save()
            log(line)


# --- evaluation ------------------------------------------------------------------------------


@torch.no_grad()
def perplexity(model, stream):
    """Perplexity per token of `stream` [N] in float32, and the number of tokens scored.

    Windows of 256 that do not overlap; the first token of a window has no context and is not
    scored; the last window may be shorter.
    """
    total, count = 0.0, 0
    tokens = torch.from_numpy(stream.astype(np.int64))
    for window in tokens.split(WINDOW):
        if len(window) > 1:
            logits = model(window[None, :-1])[0].double()
            total += F.cross_entropy(logits, window[1:], reduction="sum").item()
            count += len(window) - 1
    return math.exp(total / count), count


@torch.no_grad()
def generate(model, tokens, count, temperature, seed):
    """Continues `tokens` (a list) by `count` tokens; temperature 0 takes the likeliest one."""
    generator = torch.Generator().manual_seed(seed)
    tokens = list(tokens)
    for _ in range(min(count, WINDOW - len(tokens))):
        logits = model(torch.tensor([tokens]))[0, -1]
        if temperature == 0:
            tokens.append(int(logits.argmax()))
        else:
            chances = (logits / temperature).softmax(dim=0)
            tokens.append(int(torch.multinomial(chances, 1, generator=generator)))
    return tokens


@torch.no_grad()
def greedy_reference(model, tokenizer, prompt, count=48):
    """A greedy continuation that another implementation can be compared with, and the smallest
    lead of a chosen logit over the runner-up: below it, rounding may change the text."""
    start = [BOS] + tokenizer.encode(prompt)
    tokens = generate(model, start, count, temperature=0, seed=0)
    top = model(torch.tensor([tokens[:-1]]))[0, len(start) - 1 :].topk(2).values
    return {
        "prompt": prompt,
        "prompt_ids": start,
        "continuation_ids": tokens[len(start) :],
        "text": tokenizer.decode(tokens),
        "smallest_lead": (top[:, 0] - top[:, 1]).min().item(),
    }


# --- files -----------------------------------------------------------------------------------


def save_model(tensors, folder):
    """Hugging Face layout: config.json and model.safetensors in float16."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
    tensors = {n: t.detach().to(torch.float16).contiguous() for n, t in tensors.items()}
    path = folder / "model.safetensors"
    save_file(tensors, path, metadata={"format": "pt"})
    path.chmod(0o644)  # the library creates it readable by its owner only


def load_model(tensors):
    """The model in float32, from tensors of any type."""
    model = Llama(CONFIG)
    model.load_state_dict({n: t.float() for n, t in tensors.items()})
    return model.eval()


def one_shot(tensors):
    """The 2:4 model before any fine-tuning: smaller weights dropped, the rest untouched."""
    return {n: t * mask_2_4(t) if is_sparse_weight(n) else t for n, t in tensors.items()}


# --- commands --------------------------------------------------------------------------------


def prepare(args):
    args.work.mkdir(parents=True, exist_ok=True)
    splits = split_chapters(read_chapters())
    texts = {name: as_text(chapters) for name, chapters in splits.items()}
    texts["excerpt"] = demo_excerpt(splits["valid"])
    for name, text in texts.items():
        (args.work / f"{name}.txt").write_text(text)
    train_tokenizer(args.work / "train.txt", args.work / "tokenizer")
    sp = spm.SentencePieceProcessor(model_file=str(args.work / "tokenizer.model"))
    export_tokenizer(sp, args.work / "tokenizer.bin")
    compared = check_tokenizers_agree(sp, BinTokenizer(args.work / "tokenizer.bin"), texts["valid"])
    print(f"both encoders agree on {compared} strings")
    for name, text in texts.items():
        # One call for the whole text, as a program does that encodes a file: BOS, the dummy
        # space, and newlines (byte tokens) between chapters.
        ids = np.array([BOS] + sp.encode(text), dtype=np.uint16)
        np.save(args.work / f"{name}.npy", ids)
        print(f"{name}: {text.count(chr(10))} chapters, {len(text)} characters, {len(ids)} tokens")


def logger(path):
    """A function that prints a line and appends it to the file."""

    def log(line):
        print(line, flush=True)
        with open(path, "a") as out:
            out.write(line + "\n")

    path.write_text("")
    return log


def dense(args):
    log = logger(args.work / "dense.log")
    model = Llama(CONFIG)
    optimizer = make_optimizer(model, args.weight_decay)
    log(f"dense: {sum(p.numel() for p in model.parameters())} parameters, {describe(args)}")

    def save():
        torch.save(
            {"model": model.state_dict(), "optimizer": optimizer.state_dict()},
            args.work / "dense.pt",
        )

    fit(model, optimizer, {}, args, log, save)


def sparse(args):
    log = logger(args.work / "sparse.log")
    checkpoint = torch.load(args.work / "dense.pt")
    model = Llama(CONFIG)
    model.load_state_dict(checkpoint["model"])
    optimizer = make_optimizer(model, args.weight_decay)
    optimizer.load_state_dict(checkpoint["optimizer"])  # its moments still fit the kept weights
    masks = masks_of(model)
    apply_masks(model, masks)
    log(f"sparse: 2:4 masks on {len(masks)} weights, {describe(args)}")

    def save():
        torch.save({"model": model.state_dict()}, args.work / "sparse24.pt")

    fit(model, optimizer, masks, args, log, save)


def describe(args):
    return (
        f"{args.steps} steps of {args.batch} x {WINDOW} tokens, peak learning rate {args.lr}, "
        f"warmup {args.warmup}, weight decay {args.weight_decay}, seed {args.seed}"
        f"{', bfloat16 products' if args.bf16 else ''}"
    )


def export(args):
    """Writes both models and measures them from the files, that is, after rounding to float16."""
    out = args.out
    dense_weights = torch.load(args.work / "dense.pt")["model"]
    sparse_file = args.work / "sparse24.pt"
    sparse_weights = torch.load(sparse_file)["model"] if sparse_file.exists() else None
    save_model(dense_weights, out / "dense")
    dense_weights = load_file(out / "dense" / "model.safetensors")
    save_model(sparse_weights or one_shot(dense_weights), out / "sparse24")
    sparse_weights = load_file(out / "sparse24" / "model.safetensors")
    for source, target in (("tokenizer.bin", "tokenizer.bin"), ("excerpt.txt", "valid.txt")):
        (out / target).write_bytes((args.work / source).read_bytes())
    models = {
        "dense": dense_weights,
        "sparse24_one_shot": one_shot(dense_weights),
        "sparse24": sparse_weights,
    }
    figures = {
        "measure": "perplexity per token, float32 compute on the float16 weights, "
        "non-overlapping windows of 256 tokens, first token of a window not scored",
        "zeros_in_sparse24_projections": check_2_4(sparse_weights),
        "perplexity": {},
    }
    for name, split in (("valid.txt", "excerpt"), ("valid", "valid"), ("test", "test")):
        stream = np.load(args.work / f"{split}.npy")
        results = {key: perplexity(load_model(t), stream) for key, t in models.items()}
        figures["perplexity"][name] = {
            "tokens": len(stream),
            "scored": results["dense"][1],
            **{key: value for key, (value, _) in results.items()},
        }
    tokenizer = BinTokenizer(out / "tokenizer.bin")
    figures["greedy"] = {
        name: greedy_reference(load_model(tensors), tokenizer, "In the beginning")
        for name, tensors in models.items()
    }
    text = json.dumps(figures, indent=2)
    text = re.sub(r"\[[\s\d,]+\]", lambda m: " ".join(m[0].split()), text)  # ids on one line
    (out / "figures.json").write_text(text + "\n")
    logs = [args.work / "dense.log", args.work / "sparse.log"]
    (out / "training.log").write_text("".join(p.read_text() for p in logs if p.exists()))
    print(text)


def sample(args):
    tokenizer = BinTokenizer(args.model.parent / "tokenizer.bin")
    model = load_model(load_file(args.model / "model.safetensors"))
    tokens = [BOS] + tokenizer.encode(args.prompt)
    print(tokenizer.decode(generate(model, tokens, args.tokens, args.temperature, args.seed)))


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    commands = parser.add_subparsers(dest="command", required=True)

    def command(function, **defaults):
        sub = commands.add_parser(function.__name__)
        sub.set_defaults(run=function)
        sub.add_argument("--seed", type=int, default=1)
        if function is not sample:
            sub.add_argument("--work", type=Path, default=Path("build/demo"), help="work folder")
        for name, value in defaults.items():
            sub.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
        return sub

    command(prepare)
    for sub in (
        command(dense, steps=8000, batch=8, lr=2e-3, warmup=200, weight_decay=0.1),
        command(sparse, steps=3500, batch=8, lr=1e-3, warmup=100, weight_decay=0.1),
    ):
        sub.add_argument("--bf16", action="store_true", help="bfloat16 matrix products")
    command(export, out=Path("models/demo"))
    command(
        sample,
        model=Path("models/demo/sparse24"),
        prompt="In the beginning",
        tokens=120,
        temperature=0.7,
    )
    return parser.parse_args()


def main():
    args = parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.run(args)


if __name__ == "__main__":
    main()
