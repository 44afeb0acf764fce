"""Build tiny models of three more families from their transformers configurations, and run a forward pass of each.

Needs torch and transformers 5 (run with 5.23.0); no network and no checkpoint. Prints parameters, kilobytes as float32
and the first loss beside ln(vocabulary). Usage: python tiny_transformers.py
"""

import math

# --8<-- [start:configs]
VOCAB, IMAGE_TOKEN = 320, 319


def encoder_decoder():
    """Return a T5 of one encoder and two decoder layers, with cross-attention."""
    from transformers import T5Config, T5ForConditionalGeneration
    return T5ForConditionalGeneration(T5Config(
        vocab_size=VOCAB, d_model=64, d_kv=24, d_ff=80, num_heads=4,
        num_layers=1, num_decoder_layers=2, feed_forward_proj="gated-gelu",
        tie_word_embeddings=True, decoder_start_token_id=0, pad_token_id=0,
        eos_token_id=2))


def vision_language():
    """Return a LLaVA: a CLIP tower of 16 patches, a projector, and the GQA Llama."""
    from transformers import CLIPVisionConfig, LlamaConfig
    from transformers import LlavaConfig, LlavaForConditionalGeneration
    vision = CLIPVisionConfig(
        hidden_size=40, intermediate_size=88, num_hidden_layers=2,
        num_attention_heads=5, image_size=32, patch_size=8)
    text = LlamaConfig(
        vocab_size=VOCAB, hidden_size=64, intermediate_size=160,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        head_dim=24, max_position_embeddings=256)
    return LlavaForConditionalGeneration(LlavaConfig(
        vision_config=vision, text_config=text, image_token_index=IMAGE_TOKEN))


def latent_attention():
    """Return a DeepSeek-V3: latent attention, a dense layer, then one of experts."""
    from transformers import DeepseekV3Config, DeepseekV3ForCausalLM
    return DeepseekV3ForCausalLM(DeepseekV3Config(
        vocab_size=VOCAB, hidden_size=64, intermediate_size=160,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4,
        q_lora_rank=32, kv_lora_rank=16, qk_nope_head_dim=24, qk_rope_head_dim=8,
        v_head_dim=20, first_k_dense_replace=1, moe_intermediate_size=56,
        n_routed_experts=8, num_experts_per_tok=2, n_shared_experts=1,
        n_group=2, topk_group=1, max_position_embeddings=256))
# --8<-- [end:configs]


def first_loss(name: str, model) -> float:
    """Return the loss of random tokens, which no model can know: ln(vocabulary) if the model starts out unbiased."""
    import torch
    tokens = torch.randint(3, IMAGE_TOKEN, (4, 48), generator=torch.Generator().manual_seed(0))
    if name == "encoder_decoder":
        return model(input_ids=tokens, labels=tokens).loss.item()
    if name == "vision_language":
        tokens[:, 1:17] = IMAGE_TOKEN                          # one place for each of the (32/8)^2 = 16 patches
        labels = tokens.masked_fill(tokens == IMAGE_TOKEN, -100)
        return model(input_ids=tokens, labels=labels, pixel_values=torch.randn(4, 3, 32, 32)).loss.item()
    return model(input_ids=tokens, labels=tokens).loss.item()


def main() -> None:
    """Build each model and print a line about it."""
    import torch
    import transformers
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, transformers {transformers.__version__}; ln({VOCAB}) = {math.log(VOCAB):.3f}")
    print("family             parameters  kB float32  first loss")
    for build in (encoder_decoder, vision_language, latent_attention):
        torch.manual_seed(0)
        model = build().float().eval()
        count = sum(p.numel() for p in model.parameters())
        with torch.no_grad():
            print(f"{build.__name__:18} {count:10,} {count * 4 / 1000:11.0f} {first_loss(build.__name__, model):11.3f}")


if __name__ == "__main__":
    main()
