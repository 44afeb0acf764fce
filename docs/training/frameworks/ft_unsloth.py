from unsloth import FastLanguageModel  # before trl and transformers: it patches them
from unsloth.chat_templates import train_on_responses_only
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

model, tokenizer = FastLanguageModel.from_pretrained("Qwen/Qwen3-4B-Instruct-2507", max_seq_length=2048, load_in_4bit=False, load_in_16bit=True)
model = FastLanguageModel.get_peft_model(model, r=16, lora_alpha=32, lora_dropout=0.0, random_state=42)  # all linear layers

data = load_dataset("json", data_files="train.jsonl", split="train")
data = data.map(lambda row: {"text": tokenizer.apply_chat_template(row["messages"], tokenize=False)})
config = SFTConfig(output_dir="out/unsloth", dataset_text_field="text", max_length=2048, per_device_train_batch_size=2,
                   gradient_accumulation_steps=8, learning_rate=2e-4, lr_scheduler_type="cosine", warmup_ratio=0.05,
                   num_train_epochs=1, bf16=True, seed=42)
trainer = SFTTrainer(model=model, processing_class=tokenizer, train_dataset=data, args=config)
trainer = train_on_responses_only(trainer, instruction_part="<|im_start|>user\n", response_part="<|im_start|>assistant\n")
trainer.train()
model.save_pretrained("out/unsloth/adapter")
