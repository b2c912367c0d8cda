import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';

export async function create(): Promise<any> {
  const app = await NestFactory.create(AppModule, { logger: false });
  app.enableCors();
  await app.init();
  return app.getHttpAdapter().getInstance();
}
